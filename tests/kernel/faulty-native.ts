/**
 * The door to native code, with a fault behind it: one chosen call of one chosen program is made with arguments that the
 * kernel refuses. For the programs that `failAt` does not reach: those of the host's side, and the bootstrap.
 */
import { syscallNumber } from '../../src/linux/abi.ts';
import { type Native, openNative } from '../../src/linux/native.ts';

/** native/launch.h and `struct spawn` of native/child.h. */
const offsets = { opCount: 12, ops: 16, opSize: 88, bootstrap: 20 };
const op = { call: 0, min: 8, args: 16, kinds: 64, allowCount: 71, skip: 80, retryTimes: 84 };

export class FaultyNative implements Native {
  readonly events: number;
  readonly #real = openNative();
  #left = { run: Infinity, spawn: Infinity, call: 0 };
  /** How many calls each program had that was run, and the last bootstrap. */
  seen: { runs: number[]; bootstrap: number } = { runs: [], bootstrap: 0 };

  constructor() {
    this.events = this.#real.events;
  }

  /** Makes a call of the next program but so many fail with EBADF. */
  failRun(programs: number, call: number): void {
    this.#left = { run: programs, spawn: Infinity, call };
  }

  failBootstrap(call: number): void {
    this.#left = { run: Infinity, spawn: 0, call };
  }

  run(program: Buffer): void {
    this.seen.runs.push(program.readUInt32LE(offsets.opCount));
    if (this.#left.run === 0) refuse(program, this.#left.call);
    this.#left.run -= 1;
    this.#real.run(program);
  }

  spawn(request: Buffer): void {
    const bootstrap = request.subarray(request.readUInt32LE(offsets.bootstrap));
    this.seen.bootstrap = bootstrap.readUInt32LE(offsets.opCount);
    if (this.#left.spawn === 0) refuse(bootstrap, this.#left.call);
    this.#left.spawn -= 1;
    this.#real.spawn(request);
  }

  follow(id: number, pidfd: number): void {
    this.#real.follow(id, pidfd);
  }

  tscKhz(milliseconds: number): number {
    return this.#real.tscKhz(milliseconds);
  }
}

/** `close(-1)` in its place, which nothing forgives. */
function refuse(program: Buffer, index: number): void {
  const at = program.readUInt32LE(offsets.ops) + index * offsets.opSize;
  program.writeUInt32LE(syscallNumber('close', process.arch === 'arm64' ? 'arm64' : 'x64'), at + op.call);
  program.fill(0, at + op.min, at + op.args);
  program.fill(0, at + op.kinds, at + op.kinds + 6);
  program.writeBigInt64LE(-1n, at + op.args);
  program.writeUInt8(0, at + op.allowCount);
  program.writeUInt16LE(0, at + op.skip);
  program.writeUInt16LE(0, at + op.retryTimes);
}
