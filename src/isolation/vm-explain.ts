/** `tare explain --isolation vm`: QEMU's options, the kernel's parameters, and the three programs that the guest runs. */
import type { Engine } from '../container/engine.ts';
import { userOf } from '../container/prepare.ts';
import type { Explanation } from '../launch/explain.ts';
import type { Program } from '../launch/program.ts';
import { compilePayload } from '../vm/guest-payload.ts';
import { guestNetwork } from '../vm/machine.ts';
import { type MachinePlan, planMachine } from '../vm/machine-plan.ts';
import { type IsolatedOptions, plainOptions } from './isolation.ts';
import { refuseUnfit } from './unfit.ts';
import { knownMachine, worldOf } from './vm-launch.ts';
import { planVm } from './vm-plan.ts';
import { bindsOf, volumesInGuest } from './vm-volumes.ts';

const name = 'guest';

/** Makes what is kept (kernel, disk, initramfs), for it is part of the answer, and starts nothing. */
export async function explainVm(engine: Engine, options: IsolatedOptions): Promise<Explanation> {
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
  const { cloneFlags } = launch;
  return {
    chapters: [
      { title: 'qemu-system-x86_64, in a jail of its own', rows: optionsOf(machine) },
      { title: "the kernel's command line", rows: machine.parameters.map(({ text, why }) => [text, why] as const) },
      { title: 'pid 1 of the guest runs, to be heard', program: programs.boot },
      { title: 'then what we send it, to make a world', program: programs.world },
      { title: `then, in a child of clone(${cloneFlags.text}), the payload`, program: programs.payload },
    ],
    data: { ...machine, ...dataOf(programs) },
  };
}

const optionsOf = ({ options }: MachinePlan) =>
  options.map(({ words, why }) => [words[0] === '-append' ? '-append …' : words.join(' '), why] as const);

const dataOf = (programs: Readonly<Record<string, Program>>) =>
  Object.fromEntries(
    Object.entries(programs).map(([key, { ops }]) => [key, ops.map(({ stage, why, call }) => ({ stage, why, call }))]),
  );
