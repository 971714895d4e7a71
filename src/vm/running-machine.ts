/** A virtual machine while it runs, for whoever started it: what QMP can ask of QEMU. */
import { TareError } from '../errors.ts';
import type { Accelerator, Machine } from './machine.ts';
import type { QmpCommands, QmpEvent } from './qmp.ts';
import type { Vm } from './vm.ts';

/** `running`, `paused`, or one of the other states of qemu-qmp-ref(7), RunState. */
export interface MachineStatus {
  readonly status: string;
  /** Whether its processors execute. */
  readonly running: boolean;
}

/** In bytes. */
export interface GuestMemory {
  /** What the machine was made with. */
  readonly size: number;
  /** What the guest has of it now: all, unless it has a balloon. */
  readonly actual: number;
}

/** Below this a guest has nothing to run in. */
const leastMemory = 32 * 2 ** 20;

/** Every method rejects with the reason, once the machine has ended. */
export class RunningMachine {
  /** Who executes the guest's instructions. */
  readonly accelerator: Accelerator;
  readonly #vm: Vm;
  readonly #machine: Machine;

  constructor(vm: Vm, machine: Machine) {
    this.accelerator = machine.accelerator;
    this.#vm = vm;
    this.#machine = machine;
  }

  /** Of QEMU, on the host. */
  get pid(): number {
    return this.#vm.pid;
  }

  /** Whether it runs, is paused, or what else has become of it. */
  async status(): Promise<MachineStatus> {
    const { status, running } = await this.#vm.qmp.execute('query-status');
    return { status, running };
  }

  /** Its processors stand still, and its clock with them. */
  async pause(): Promise<void> {
    await this.#vm.qmp.execute('stop');
  }

  /** Goes on after a pause. */
  async resume(): Promise<void> {
    await this.#vm.qmp.execute('cont');
  }

  /** How much memory it was made with, and how much of that it has now. */
  async memory(): Promise<GuestMemory> {
    const size = this.#machine.memory;
    if (this.#machine.balloon !== true) return { size, actual: size };
    return { size, actual: (await this.#vm.qmp.execute('query-balloon')).actual };
  }

  /**
   * Asks the guest to do with so much memory: it gives pages back, or takes them again. `memory` tells how far it has come,
   * and so does the event BALLOON_CHANGE. A guest that needs the memory itself takes it back.
   *
   * @param bytes from 32 MiB to all that the machine was made with
   */
  async balloon(bytes: number): Promise<void> {
    const { memory, balloon } = this.#machine;
    const doing = `let a guest have ${bytes} bytes of memory`;
    if (balloon !== true)
      throw new TareError(doing, { hint: 'it has no balloon: start it with { vm: { balloon: true } }' });
    if (!Number.isInteger(bytes) || bytes < leastMemory || bytes > memory)
      throw new TareError(doing, { hint: `it can have from ${leastMemory} to ${memory}, with which it was made` });
    await this.#vm.qmp.execute('balloon', { value: bytes });
  }

  /** Any command of QMP that tare knows: qemu-qmp-ref(7). @throws TareError with QEMU's own words */
  execute<Name extends keyof QmpCommands>(
    command: Name,
    ...args: QmpCommands[Name][0] extends undefined ? [] : [QmpCommands[Name][0]]
  ): Promise<QmpCommands[Name][1]> {
    return this.#vm.qmp.execute(command, ...args);
  }

  /** Calls `listener` for each event from now on. @returns what ends that */
  listen(listener: (event: QmpEvent) => void): () => void {
    return this.#vm.qmp.listen(listener);
  }
}
