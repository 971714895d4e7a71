/** Random frames of every kind, with any values that their fields can hold. */
import fc from 'fast-check';
import type { Frame } from '../../../src/vm/protocol.ts';

const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bytes = fc.uint8Array({ maxLength: 300 }).map((values) => Buffer.from(values));
const process = fc.nat(1);

const of = <Kind extends string, Fields>(kind: Kind, fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> }) =>
  fc.record({ kind: fc.constant(kind), process, ...fields });

export const frame: fc.Arbitrary<Frame> = fc.oneof(
  of('program', { returned: u32, clone: u32, bytes }),
  of('stdin', { bytes }),
  of('window', { stream: u32, more: u32 }),
  of('resize', { rows: u16, columns: u16 }),
  of('signal', { signal: u32 }),
  of('go', {}),
  of('ready', { version: u32, started: u64, at: u64 }),
  of('fault', { step: u32, error: i32 }),
  of('memory', { bytes }),
  of('halted', { at: u64 }),
  of('failed', { op: u32, error: i32, at: u64 }),
  of('stopped', { op: u32 }),
  of('executed', { position: u32, at: u64 }),
  of('stdout', { bytes }),
  of('stderr', { bytes }),
  of('exited', { code: u32, signal: u32, user: u64, system: u64, maxRss: u64, at: u64 }),
) as fc.Arbitrary<Frame>;
