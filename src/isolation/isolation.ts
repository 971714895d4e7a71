/** What runs a command of an image: a process, a container or a virtual machine, behind one interface. */
import type { Readable, Writable } from 'node:stream';
import type { Engine } from '../container/engine.ts';
import type { Exit } from '../container/exit.ts';
import type { CreateOptions } from '../container/run.ts';
import type { Explanation } from '../launch/explain.ts';
import type { Timeline } from '../launch/trace.ts';
import type { MachineRequest } from '../vm/request.ts';
import type { RunningMachine } from '../vm/running-machine.ts';

/** From the thinnest wall to the thickest: a process shares all with the host but its root, a container the kernel, a VM nothing. */
export type IsolationKind = 'process' | 'container' | 'vm';

export const isolationKinds = ['process', 'container', 'vm'] as const satisfies readonly IsolationKind[];

/** What is to run, what it is connected to, and what is around it. */
export interface IsolatedOptions extends CreateOptions {
  /** `container` unless said otherwise. */
  readonly isolation?: IsolationKind;
  /** Of a virtual machine: what it is made of. */
  readonly vm?: MachineRequest;
  /** Told, a line at a time, what takes long or is not as it was asked for. */
  readonly say?: (line: string) => void;
}

/** A terminal's near side. */
export type Terminal = Readable & Writable;

/** A command that runs behind some wall. Disposing of it kills what still runs, and leaves nothing on the host. */
export interface Isolated extends AsyncDisposable {
  readonly id: string;
  /** Where these are pipes. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** Settles when the command and all that was made for it is gone. Rejects where it could not be started. */
  readonly exited: Promise<Exit>;
  /** Of a virtual machine: the machine itself. */
  readonly machine?: RunningMachine;
  /** Of a traced start: where its time went. Complete once `exited` has settled. */
  readonly timeline: Timeline;
  /** Sends a signal to the command; to one that has ended, nothing. */
  kill(signal?: NodeJS.Signals | number): void;
  /** Tells its terminal how large the window is. */
  resize(columns: number, rows: number): void;
  /** Settles when the terminal is there, for a command that is to have one. */
  openedTerminal(): Promise<Terminal>;
}

export interface StartOptions {
  /** Take the time of each call that the start makes. */
  readonly trace?: boolean;
}

/** One way to isolate. */
export interface Isolation {
  readonly kind: IsolationKind;
  /** @throws TareError that names the step which failed, or all fields of the request that make no sense here */
  start(engine: Engine, options: IsolatedOptions, how?: StartOptions): Promise<Isolated>;
  /** All that a start would do, in order, with reasons. Nothing is started. */
  explain(engine: Engine, options: IsolatedOptions): Promise<Explanation>;
}

/** What is left for the container engine, which knows no other walls. */
export function plainOptions({ isolation: _, vm: __, say: ___, ...options }: IsolatedOptions): CreateOptions {
  return options;
}
