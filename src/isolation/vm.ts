/** A virtual machine around the image and command of a container: its own kernel, in its own world. */
import type { Engine } from '../container/engine.ts';
import { madeUpId, userOf } from '../container/prepare.ts';
import { TareError } from '../errors.ts';
import type { Program } from '../launch/program.ts';
import type { RunRequest } from '../spec/request.ts';
import { programKey } from '../vm/accelerator.ts';
import type { GuestProcess } from '../vm/guest-process.ts';
import { compilePayload, type PayloadFacts } from '../vm/guest-payload.ts';
import { guestNetwork } from '../vm/machine.ts';
import { findQemu } from '../vm/qemu.ts';
import { readSnapshot, type Snapshot } from '../vm/snapshot.ts';
import { type IsolatedOptions, type Isolation, plainOptions, type StartOptions } from './isolation.ts';
import { refuseUnfit } from './unfit.ts';
import { explainVm } from './vm-explain.ts';
import { boot, chooseMachine, devicesFor, type Guest, takeUp } from './vm-launch.ts';
import { VmPayload } from './vm-payload.ts';
import { planVm, type VmPlan } from './vm-plan.ts';
import { VmRoom } from './vm-room.ts';
import { asSaved, checkSnapshot } from './vm-saved.ts';
import { bindsOf, serveVolumes, volumeSocket, volumesInGuest } from './vm-volumes.ts';

export const vmIsolation: Isolation = { kind: 'vm', start, explain: explainVm };

/** In seconds: plenty for a boot under TCG on a busy machine. */
export const usualPatience = 60;

type Named = IsolatedOptions & { readonly name: string };

/** A guest, the plan it was made by, and what must go when it is gone. */
interface Found {
  readonly guest: Guest;
  readonly plan: VmPlan;
  readonly cleanUp: () => Promise<void>;
}

async function start(engine: Engine, options: IsolatedOptions, how: StartOptions = {}): Promise<VmPayload> {
  const requested = process.hrtime.bigint();
  const { stdio = 'pipe', signal, ...request } = plainOptions(options);
  refuseUnfit('vm', request);
  signal?.throwIfAborted();
  const id = request.name ?? madeUpId();
  const trace = how.trace === true;
  const named = { ...options, name: id };
  const { fromSnapshot } = options.vm ?? {};
  const found = await (fromSnapshot === undefined
    ? bootFor(engine, named, trace)
    : resumeFor(engine, named, readSnapshot(fromSnapshot), trace));
  const { guest, plan, cleanUp } = found;
  const { vm } = guest;
  try {
    const { process: payload, program } = startPayload(engine, found, { ...request, name: id }, { trace });
    return new VmPayload(guest, payload, {
      id,
      stdio,
      terminal: request.terminal === true,
      settles: plan.board.shares.length > 0 || plan.devices.data !== undefined,
      cleanUp,
      traced: { request: requested, program },
    });
  } catch (error) {
    await vm[Symbol.asyncDispose]();
    await cleanUp();
    throw error;
  }
}

async function bootFor(engine: Engine, options: Named, trace: boolean): Promise<Found> {
  const { vm: wanted = {}, say = () => {}, name: id, signal } = options;
  const request = plainOptions(options);
  findQemu();
  volumesInGuest(request);
  const served = bindsOf(request).length > 0;
  const room = served || wanted.disk ? new VmRoom(engine, id, deviceOf(wanted.accelerator)) : undefined;
  const closers: (() => Promise<void>)[] = room === undefined ? [] : [async () => room[Symbol.dispose]()];
  try {
    const plan = await planVm(engine, request, wanted, {
      id,
      say,
      ...(room !== undefined && served ? { socket: volumeSocket(room) } : {}),
    });
    const machine = await chooseMachine(engine, plan, wanted, say);
    const server = room !== undefined && served ? await serveVolumes(engine, request, room) : undefined;
    if (wanted.disk !== undefined) await room?.give(wanted.disk.file);
    if (server !== undefined) closers.unshift(() => server[Symbol.asyncDispose]());
    const patience = wanted.bootTimeout ?? usualPatience;
    const guest = await boot(engine, machine, plan, {
      patience,
      trace,
      ...(room && { room }),
      ...(signal && { signal }),
    });
    void server?.ended().then((said) => guest.vm.end(serverGone(said)));
    return { guest, plan, cleanUp: () => closeAll(closers) };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

const serverGone = (said: string): TareError =>
  new TareError('serve the volumes: virtiofsd has ended', said === '' ? {} : { hint: said });

/** Of the devices that QEMU may come to use. */
const deviceOf = (accelerator: string | undefined): string[] =>
  accelerator === 'tcg' ? [] : devicesFor({ accelerator: 'kvm' });

async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const close of closers) await close();
}

async function resumeFor(engine: Engine, options: Named, snapshot: Snapshot, trace: boolean): Promise<Found> {
  const { vm: wanted = {}, say = () => {}, name, signal } = options;
  const saved = asSaved(snapshot, plainOptions(options), wanted);
  const plan = await planVm(engine, saved.request, saved.machine, { id: name, say });
  checkSnapshot(snapshot, plan, programKey(findQemu()));
  const room = new VmRoom(engine, name, devicesFor(snapshot.machine));
  const cleanUp = async () => room[Symbol.dispose]();
  try {
    const patience = wanted.bootTimeout ?? usualPatience;
    const guest = await takeUp(engine, snapshot, plan, { patience, trace, room, name, ...(signal && { signal }) });
    return { guest, plan, cleanUp };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

export interface PayloadStart {
  /** Whether its program is to be timed. */
  readonly trace?: boolean;
  /** Where the guest has what the request mounts; where the server of volumes brings it, if absent. */
  readonly volumes?: PayloadFacts['volumes'];
}

/** The payload in its guest. */
export function startPayload(
  engine: Engine,
  { guest: { vm, lastCapability }, plan: { image, board, dataTarget } }: Pick<Found, 'guest' | 'plan'>,
  request: RunRequest & { name: string },
  { trace = false, volumes = volumesInGuest(request) }: PayloadStart = {},
): { readonly process: GuestProcess; readonly program: Program } {
  const { launch } = compilePayload(request, image.config, {
    id: request.name,
    arch: engine.host.arch,
    lastCapability,
    user: userOf(engine, request, image),
    volumes,
    network: guestNetwork(board.network),
    ...(dataTarget === undefined ? {} : { data: dataTarget }),
  });
  const { program, cloneFlags } = launch;
  return { process: vm.channel.start(program, { trace, cloneFlags }), program };
}
