/** The interpreter's time stamps, as native/launch.h lays them out. */

export interface Stamp {
  /** CLOCK_MONOTONIC in ns when the op began; `undefined` for an op that was skipped or never reached. */
  readonly wall: bigint | undefined;
  /** CPU time of the thread by then, in ns. */
  readonly cpu: bigint;
}

/** One stamp for each op, and one for the end of a program that halts. */
export function readStamps(bytes: Buffer, ops: number): Stamp[] {
  return Array.from({ length: ops + 1 }, (_, index) => {
    const wall = bytes.readBigUInt64LE(index * 16);
    return { wall: wall === 0n ? undefined : wall, cpu: bytes.readBigUInt64LE(index * 16 + 8) };
  });
}
