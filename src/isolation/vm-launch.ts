/** From a plan to a guest that can be spoken to: who executes it, booted or resumed. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import type { Engine } from '../container/engine.ts';
import { type AcceleratorChoice, chooseAccelerator, knownAccelerator, programKey, tscKhz } from '../vm/accelerator.ts';
import { lastCapabilityOf, wakeProgram, type WorldProgram, worldProgram } from '../vm/guest-program.ts';
import { type Accelerator, guestNetwork, type Machine } from '../vm/machine.ts';
import { argvOf, planMachine } from '../vm/machine-plan.ts';
import { findQemu, qemuFds, type QemuOptions } from '../vm/qemu.ts';
import { copySparse, filesOf, resume, type Snapshot } from '../vm/snapshot.ts';
import type { MachineRequest } from '../vm/request.ts';
import type { MachineTrace, Meeting } from '../vm/timeline.ts';
import { Vm } from '../vm/vm.ts';
import { jailedIn } from './jailed-qemu.ts';
import type { Board, VmPlan } from './vm-plan.ts';
import type { VmRoom } from './vm-room.ts';

/** A guest whose world is made: it waits for a payload. */
export interface Guest {
  readonly vm: Vm;
  readonly machine: Machine;
  readonly lastCapability: number;
  readonly meeting: Meeting;
  /** When its pid 1 began, by its own clock; undefined where it was resumed. */
  readonly pidOne: bigint | undefined;
  /** What it has run so far. */
  readonly programs: MachineTrace['programs'];
}

export interface LaunchOptions {
  /** In seconds: how long a boot may take. */
  readonly patience: number;
  readonly trace: boolean;
  readonly room?: VmRoom;
  /** Ends the machine, with its reason. */
  readonly signal?: AbortSignal;
}

/** For the guest that tries out KVM, where a boot takes a tenth of a second or two, in seconds; more for who says that it may. */
const probePatience = 15;

/** Whether KVM can be had is found out by booting this very guest. */
export const chooseAcceleratorFor = (
  engine: Engine,
  plan: VmPlan,
  { accelerator: wanted = 'auto', bootTimeout = 0 }: MachineRequest,
): Promise<AcceleratorChoice> =>
  chooseAccelerator({
    wanted,
    key: verdictKey(plan),
    boot: () => tryBoot(engine, plan, Math.max(probePatience, bootTimeout)),
  });

export async function chooseMachine(
  engine: Engine,
  plan: VmPlan,
  wanted: MachineRequest,
  say: (line: string) => void,
): Promise<Machine> {
  const { accelerator, instead } = await chooseAcceleratorFor(engine, plan, wanted);
  if (instead !== undefined) say(`uses TCG, which is slower: ${instead}`);
  return accelerated(engine, plan.board, accelerator);
}

/** The machine as it would be, as far as that is known without a boot. */
export const knownMachine = (engine: Engine, plan: VmPlan, wanted: Accelerator | 'auto'): Promise<Machine> =>
  accelerated(engine, plan.board, knownAccelerator(wanted, verdictKey(plan)));

const verdictKey = ({ kernel, files, board }: VmPlan): string =>
  [kernel.key, files.key, board.type, programKey(findQemu())].join('\0');

async function tryBoot(engine: Engine, plan: VmPlan, patience: number): Promise<void> {
  const machine = await accelerated(engine, { ...plan.board, name: `${plan.board.name}-probe` }, 'kvm');
  await using vm = await launch(engine, machine, plan, { patience, trace: false });
  await vm.booted();
}

async function accelerated(engine: Engine, board: Board, accelerator: Accelerator): Promise<Machine> {
  if (accelerator === 'kvm') return { ...board, accelerator };
  const khz = await tscKhz((milliseconds) => engine.tscKhz(milliseconds));
  return { ...board, accelerator, ...(khz === 0 ? {} : { tscKhz: khz }) };
}

/** A guest from its kernel's first instruction on. */
export async function boot(engine: Engine, machine: Machine, plan: VmPlan, options: LaunchOptions): Promise<Guest> {
  const vm = await launch(engine, machine, plan, options);
  try {
    const ready = await vm.booted();
    const meeting = { host: process.hrtime.bigint(), guest: ready.at };
    const world = worldOf(plan);
    const making = vm.channel.run(world.program, { trace: options.trace });
    const { returned } = await vm.within('make the world of the guest', making);
    const programs = [
      { name: 'boot', program: plan.files.boot.program, stamps: ready.boot?.stamps ?? [] },
      { name: 'world', program: world.program, stamps: returned.stamps },
    ];
    const lastCapability = lastCapabilityOf(world, returned);
    return { vm, machine, lastCapability, meeting, pidOne: ready.started, programs };
  } catch (error) {
    await vm[Symbol.asyncDispose]();
    throw error;
  }
}

export const worldOf = ({ files, devices, disk, board }: VmPlan): WorldProgram =>
  worldProgram({
    modules: files.modules,
    disk: { node: devices.disk, format: disk.format },
    volumes: board.shares.length > 0,
    ...(devices.data === undefined ? {} : { data: devices.data }),
    network: guestNetwork(board.network),
    time: now(),
  });

/** CLOCK_REALTIME, in ns. */
const now = (): bigint => BigInt(Date.now()) * 1_000_000n;

/** A guest from where a snapshot left off. */
export async function takeUp(
  engine: Engine,
  snapshot: Snapshot,
  plan: VmPlan,
  options: LaunchOptions & { readonly room: VmRoom; readonly name: string },
): Promise<Guest> {
  const { room } = options;
  const files = filesOf(snapshot.name);
  const ram = `${room.path}/ram`;
  await copySparse(files.ram, ram, `take the memory of ${snapshot.name}`);
  await room.give(ram);
  const machine: Machine = {
    ...snapshot.machine,
    name: options.name,
    memoryFile: { path: ram, share: true },
    resumes: true,
  };
  const state = openSync(files.state, 'r');
  try {
    const vm = await launch(engine, machine, plan, { ...options, state });
    try {
      await vm.within('resume the guest', resume(vm.qmp, qemuFds.file));
      vm.marks.ready = process.hrtime.bigint();
      const program = wakeProgram({ time: now(), entropy: randomBytes(32) });
      const { at, returned } = await vm.within('wake the guest', vm.channel.run(program, { trace: options.trace }));
      const meeting = { host: process.hrtime.bigint(), guest: at };
      const programs = [{ name: 'wake', program, stamps: returned.stamps }];
      return { vm, machine, lastCapability: snapshot.lastCapability, meeting, pidOne: undefined, programs };
    } catch (error) {
      await vm[Symbol.asyncDispose]();
      throw error;
    }
  } finally {
    closeSync(state);
  }
}

/** Device nodes that QEMU needs. */
export const devicesFor = ({ accelerator }: Pick<Machine, 'accelerator'>): string[] =>
  accelerator === 'kvm' ? ['/dev/kvm'] : [];

const tun = '/dev/net/tun';
const isReadOnly = ({ readOnly }: Machine['disks'][number]): boolean => readOnly;

function worldOfQemu({ network }: Machine): QemuOptions['network'] {
  if (typeof network === 'object') return { path: network.namespace };
  return network === 'user' ? 'host' : 'none';
}

/** QEMU is on its way; `booted` tells when the guest is there. */
async function launch(
  engine: Engine,
  machine: Machine,
  plan: VmPlan,
  { patience, room, signal, state }: LaunchOptions & { readonly state?: number },
): Promise<Vm> {
  const argv = argvOf(planMachine(machine));
  const started = process.hrtime.bigint();
  const qemu = await jailedIn(engine)({
    name: machine.name,
    argv,
    reads: [machine.kernel, machine.initramfs, ...machine.disks.filter(isReadOnly).map(({ path }) => path)],
    writes: [
      ...(room === undefined ? [] : [room.path]),
      ...machine.disks.filter((disk) => !isReadOnly(disk)).map(({ path }) => path),
    ],
    devices: [...devicesFor(machine), ...(typeof machine.network === 'object' ? [tun] : [])],
    network: worldOfQemu(machine),
    ...(room === undefined ? {} : { user: room.user }),
    ...(state === undefined ? {} : { file: state }),
  });
  const { arch } = engine.host;
  const { memory, memoryFile } = machine;
  const how = { arch, boot: plan.files.boot, patience, memory, ...(signal && { signal }) };
  return new Vm(qemu, { ...how, ...(memoryFile && { memoryFile: memoryFile.path }) }, started);
}
