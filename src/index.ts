/**
 * tare: containers as a list of system calls.
 *
 * ```ts
 * import { create, run } from 'tare';
 *
 * const exit = await run({ image: 'busybox', args: ['echo', 'hello'] });
 *
 * await using box = await create({ image: 'busybox', args: ['cat'], limits: { memory: '64m' } });
 * await box.start();
 * box.stdin?.end('hello');
 * const { exitCode } = await box.exited;
 *
 * await run({ image: 'busybox', args: ['uname', '-r'], isolation: 'vm' });
 * ```
 *
 * @packageDocumentation
 */
import type { Container } from './container/container.ts';
import { Engine } from './container/engine.ts';
import type { Exit } from './container/exit.ts';
import type { Platform } from './linux/platform.ts';
import { findPlatform } from './linux/platform-facts.ts';
import * as containers from './container/run.ts';
import type { CreateOptions } from './container/run.ts';
import type { Isolated, IsolatedOptions } from './isolation/isolation.ts';
import { isolations } from './isolation/isolations.ts';
import * as isolated from './isolation/run.ts';
import type { InspectOptions } from './isolation/vm-inspect.ts';
import { explainChapters } from './launch/explain.ts';
import type { MachineView } from './vm/machine-view.ts';
import type { Snapshot } from './vm/snapshot.ts';

/** The one engine of this process: a library, a thread and a sealed memory file, opened by the first call that needs them. */
let shared: Engine | undefined;
const engine = (): Engine => (shared ??= new Engine());

/**
 * Runs a command from its start to its end, with our standard streams unless `stdio` says otherwise: in a container, or
 * where `isolation` says so as a process or in a virtual machine.
 *
 * @throws {@link TareError} that names the step which failed; `exitCode` is 127 for a command not found, 126 for one that
 *   cannot be executed, 125 for all else. The reason of `signal`, if that aborts.
 */
export async function run(options: IsolatedOptions): Promise<Exit> {
  return isolated.run(engine(), options);
}

/**
 * Starts a command behind any wall: a process, a container or a virtual machine. Its streams are pipes unless `stdio` says
 * otherwise.
 *
 * @throws {@link TareError} that names the step which failed, or all that makes no sense behind this wall
 */
export async function start(options: IsolatedOptions): Promise<Isolated> {
  return isolated.start(engine(), options);
}

/**
 * Boots a virtual machine with its image in place, and keeps it under a name: `run({ …, vm: { fromSnapshot: name } })` goes
 * on from there, in a fraction of the time.
 *
 * @throws {@link TareError} that names the step which failed; nothing is left of it then
 */
export async function snapshot(name: string, options: IsolatedOptions): Promise<Snapshot> {
  const { takeSnapshot } = await import('./isolation/vm-snapshot.ts');
  return takeSnapshot(engine(), name, options);
}

/**
 * Boots a virtual machine, and says what its guest sees of it: who runs it, by CPUID, DMI and ACPI, its clocks, and each device
 * with its driver.
 *
 * @throws {@link TareError} that names the step which failed
 */
export async function inspect(options: InspectOptions = {}): Promise<MachineView> {
  const { inspectVm } = await import('./isolation/vm-inspect.ts');
  return inspectVm(engine(), options);
}

/**
 * Makes a container, ready to `start`. Its streams are pipes unless `stdio` says otherwise.
 *
 * @throws {@link TareError} that names the step which failed
 */
export async function create(options: CreateOptions): Promise<Container> {
  return containers.create(engine(), options);
}

/**
 * All that a start would do as text, in order, each with its reason: of a container every system call, of a virtual machine
 * QEMU's options, the kernel's parameters and the programs in the guest. Nothing is started.
 */
export async function explain(options: IsolatedOptions): Promise<string> {
  const isolation = await isolations[options.isolation ?? 'container']();
  return explainChapters((await isolation.explain(engine(), options)).chapters);
}

/**
 * Which hypervisor and which container this process is in, and of what kind they are: from CPUID, DMI and /proc.
 * What cannot be read tells nothing; `evidence` says what the verdict rests on.
 */
export function platform(): Platform {
  return findPlatform();
}

export { isTareError, TareError, type FailureCode, type TareErrorOptions } from './errors.ts';
export { SpecError, type Problem } from './spec/problem.ts';
export type {
  Container,
  CreateOptions,
  Exit,
  InspectOptions,
  Isolated,
  IsolatedOptions,
  MachineView,
  Platform,
  Snapshot,
};
/** What the kernel says of a process under /proc, parsed: proc(5). They throw Node's own error where it is gone or not ours to see. */
export { readCgroupMembership, readIdMap, readMountinfo, readNamespaces, readStatus } from './linux/proc.ts';
export type * from './linux/proc.ts';
export { capabilityNames } from './spec/capability-names.ts';
export type { IsolationKind, Terminal } from './isolation/isolation.ts';
export type {
  Accelerator,
  DeviceModel,
  Disk,
  Fd,
  Machine,
  MachineNetwork,
  MachineType,
  MemoryFile,
  Share,
  Tap,
} from './vm/machine.ts';
export type { SeenDevice } from './vm/machine-view.ts';
export type { DeviceKind } from './vm/device-names.ts';
export type { Cpuid, Registers } from './linux/cpuid.ts';
export type { PlatformFacts } from './linux/platform.ts';
export type { GuestDevice } from './vm/inspection.ts';
export type { MachineRequest } from './vm/request.ts';
export type { GuestMemory, MachineStatus, RunningMachine } from './vm/running-machine.ts';
export type { QmpCommands, QmpEvent, QmpEvents } from './vm/qmp.ts';
export type { LaunchOptions } from './container/container.ts';
export type { Stdio, StdioChoice } from './container/stdio.ts';
export type * from './cgroup/stats.ts';
export type { Arg, Cell, Data, Field, Op, Program, Stop } from './launch/program.ts';
export type { Phase, Timed, TimedOp, TimedStage, Timeline } from './launch/trace.ts';
export type { ArchValue, Named } from './linux/flags.ts';
export type { Arch, Errno, Syscall } from './linux/abi.ts';
export type * from './spec/request.ts';
export type * from './spec/spec.ts';
export type * from './spec/resources.ts';
