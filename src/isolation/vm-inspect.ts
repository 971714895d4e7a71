/** `tare vm inspect`: boots a guest, and asks it what it sees of its machine. */
import { text } from 'node:stream/consumers';
import type { Engine } from '../container/engine.ts';
import { madeUpId } from '../container/prepare.ts';
import { TareError } from '../errors.ts';
import type { RunRequest } from '../spec/request.ts';
import { inspectionModules, inspectionRequest, inspectionVolumes, parseInspection } from '../vm/inspection.ts';
import { type MachineView, viewOf } from '../vm/machine-view.ts';
import { findQemu } from '../vm/qemu.ts';
import type { MachineRequest } from '../vm/request.ts';
import { startPayload, usualPatience } from './vm.ts';
import { boot, chooseMachine } from './vm-launch.ts';
import { planVm } from './vm-plan.ts';

/** Which machine to boot, and what it is to be like. */
export interface InspectOptions {
  /** What the machine is made of. It has a network card unless `network` is `none`: there is one more device to look at. */
  readonly vm?: Omit<MachineRequest, 'fromSnapshot'>;
  readonly limits?: Pick<NonNullable<RunRequest['limits']>, 'memory' | 'cpus'>;
  /** Told, a line at a time, what takes long or is not as it was asked for. */
  readonly say?: (line: string) => void;
}

/** @throws TareError with the step that failed */
export async function inspectVm(engine: Engine, options: InspectOptions): Promise<MachineView> {
  const { vm: wanted = {}, limits, say = () => {} } = options;
  const request = { image: 'busybox', name: madeUpId(), ...(limits && { limits }), ...inspectionRequest() };
  findQemu();
  const machineRequest = { network: 'user', ...wanted } as const;
  const plan = await planVm(engine, request, machineRequest, { id: request.name, say, modules: inspectionModules });
  const machine = await chooseMachine(engine, plan, wanted, say);
  const guest = await boot(engine, machine, plan, { patience: wanted.bootTimeout ?? usualPatience, trace: false });
  await using vm = guest.vm;
  const { process: payload } = startPayload(engine, { guest, plan }, request, { volumes: inspectionVolumes });
  payload.stdin.on('error', () => {}); // it need not read it
  payload.stdin.end();
  const looking = Promise.all([text(payload.stdout), text(payload.stderr), payload.exited, payload.executed]);
  const [seen, complaints, { code }] = await vm.within('look around in the guest', looking);
  if (code === 0) return viewOf(parseInspection(seen));
  throw new TareError(`look around in the guest: its shell ended with ${code}`, { hint: complaints.trim() });
}
