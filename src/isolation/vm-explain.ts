/** `tare explain --isolation vm`: QEMU's options, the kernel's parameters, and the three programs that the guest runs. */
import type { Engine } from '../container/engine.ts';
import { userOf } from '../container/prepare.ts';
import { explain } from '../launch/explain.ts';
import { compilePayload } from '../vm/guest-payload.ts';
import { guestNetwork } from '../vm/machine.ts';
import { type MachinePlan, planMachine } from '../vm/machine-plan.ts';
import { type IsolatedOptions, plainOptions } from './isolation.ts';
import { refuseUnfit } from './unfit.ts';
import { knownMachine, worldOf } from './vm-launch.ts';
import { planVm } from './vm-plan.ts';
import { bindsOf, volumesInGuest } from './vm-volumes.ts';

const name = 'guest';
/** Where the reasons begin, in characters. */
const column = 40;

/** Makes what is kept (kernel, disk, initramfs), for it is part of the answer, and starts nothing. */
export async function explainVm(engine: Engine, options: IsolatedOptions, asJson = false): Promise<string> {
  const { vm: wanted = {}, say = () => {} } = options;
  const { stdio: _, signal: __, ...request } = plainOptions(options);
  refuseUnfit('vm', request);
  const volumes = bindsOf(request).length > 0 ? { socket: '/run/tare/vm/…/volumes.sock' } : {};
  const plan = await planVm(engine, request, wanted, { id: request.name ?? name, say, ...volumes });
  const machine = planMachine(await knownMachine(engine, plan, wanted.accelerator ?? 'auto'));
  const { launch } = compilePayload(request, plan.image.config, {
    id: request.name ?? name,
    arch: engine.host.arch,
    lastCapability: engine.host.lastCapability,
    user: userOf(engine, request, plan.image),
    volumes: volumesInGuest(request),
    network: guestNetwork(plan.board.network),
    ...(plan.dataTarget === undefined ? {} : { data: plan.dataTarget }),
  });
  const world = worldOf(plan);
  const programs = { boot: plan.files.boot.program, world: world.program, payload: launch.program };
  if (asJson) return `${JSON.stringify({ ...machine, ...jsonOf(programs) }, null, 2)}\n`;
  return [
    `qemu-system-x86_64, in a jail of its own\n\n${optionsOf(machine)}`,
    `the kernel's command line\n\n${lines(machine.parameters.map(({ text, why }) => [text, why]))}`,
    `pid 1 of the guest runs, to be heard\n\n${explain(programs.boot)}`,
    `then what we send it, to make a world\n\n${explain(programs.world)}`,
    `then, in a child of clone(${launch.cloneFlags.text}), the payload\n\n${explain(programs.payload)}`,
  ].join('\n');
}

const optionsOf = ({ options }: MachinePlan): string =>
  lines(options.map(({ words, why }) => [words[0] === '-append' ? '-append …' : words.join(' '), why]));

const lines = (rows: readonly (readonly [string, string])[]): string =>
  rows
    .map(([text, why]) =>
      text.length < column - 4 ? `  ${text.padEnd(column - 2)}${why}\n` : `  ${text}\n${' '.repeat(column)}${why}\n`,
    )
    .join('');

type Programs = Readonly<Record<'boot' | 'world' | 'payload', Parameters<typeof explain>[0]>>;

const jsonOf = (programs: Programs) =>
  Object.fromEntries(
    Object.entries(programs).map(([key, { ops }]) => [key, ops.map(({ stage, why, call }) => ({ stage, why, call }))]),
  );
