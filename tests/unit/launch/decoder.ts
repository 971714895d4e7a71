/** The bytes of native/launch.h read back, by its layout and nothing else. */

export type Kind = 'value' | 'address' | 'cell8' | 'cell4';
const kinds: readonly Kind[] = ['value', 'address', 'cell8', 'cell4'];

export interface DecodedOp {
  readonly call: number;
  /** Offset; 0 for nowhere. */
  readonly into: number;
  readonly intoWidth: number;
  readonly min: bigint;
  readonly args: readonly { readonly kind: Kind; readonly value: bigint }[];
  readonly allow: readonly number[];
  readonly skip: number;
  readonly retryOn: number;
  readonly retryTimes: number;
  readonly retryPause: number;
}

export interface Decoded {
  readonly magic: string;
  readonly version: number;
  readonly size: number;
  readonly report: number;
  readonly child: number;
  readonly trace: number;
  readonly relocs: readonly number[];
  readonly ops: readonly DecodedOp[];
}

export function decode(bytes: Buffer): Decoded {
  const word = (index: number) => bytes.readUInt32LE(index * 4);
  const [opCount, opsAt, relocCount, relocsAt] = [word(3), word(4), word(5), word(6)];
  return {
    magic: bytes.toString('latin1', 0, 4),
    version: word(1),
    size: word(2),
    report: word(7),
    child: word(8),
    trace: word(9),
    relocs: Array.from({ length: relocCount }, (_, index) => bytes.readUInt32LE(relocsAt + index * 4)),
    ops: Array.from({ length: opCount }, (_, index) =>
      decodeOp(bytes.subarray(opsAt + index * 88, opsAt + (index + 1) * 88)),
    ),
  };
}

function decodeOp(bytes: Buffer): DecodedOp {
  return {
    call: bytes.readUInt32LE(0),
    into: bytes.readUInt32LE(4),
    intoWidth: bytes.readUInt8(70),
    min: bytes.readBigInt64LE(8),
    args: Array.from({ length: 6 }, (_, index) => ({
      kind: kinds[bytes.readUInt8(64 + index)]!,
      value: bytes.readBigUInt64LE(16 + index * 8),
    })),
    allow: Array.from({ length: bytes.readUInt8(71) }, (_, index) => bytes.readUInt16LE(72 + index * 2)),
    skip: bytes.readUInt16LE(80),
    retryOn: bytes.readUInt16LE(82),
    retryTimes: bytes.readUInt16LE(84),
    retryPause: bytes.readUInt16LE(86),
  };
}

/** The string at an offset, up to its closing zero. */
export const textAt = (bytes: Buffer, at: number): string => bytes.toString('utf8', at, bytes.indexOf(0, at));

/** What tare_check of native/interpreter.c demands, as a list of what is wrong. */
export function faults(bytes: Buffer): string[] {
  const program = decode(bytes);
  const inside = (at: number, size: number) => at >= 64 && at + size <= program.size;
  const found: string[] = [];
  const demand = (holds: boolean, what: string) => {
    if (!holds) found.push(what);
  };
  demand(program.magic === 'tare' && program.version === 1, 'header');
  demand(program.size === bytes.length, 'size');
  for (const reloc of program.relocs) demand(reloc % 8 === 0 && inside(reloc, 8), `reloc ${reloc}`);
  demand(program.report === 0 || inside(program.report, 4), 'report');
  demand(program.child === 0 || inside(program.child, 4), 'child');
  demand(program.trace % 8 === 0, 'trace');
  demand(program.trace === 0 || inside(program.trace, (program.ops.length + 1) * 16), 'trace is inside');
  program.ops.forEach((op, index) => {
    const widths = { value: 0, address: 1, cell8: 8, cell4: 4 };
    for (const { kind, value } of op.args)
      demand(kind === 'value' || inside(Number(value), widths[kind]), `op ${index}`);
    demand(op.into === 0 || (inside(op.into, op.intoWidth) && [4, 8].includes(op.intoWidth)), `op ${index}: into`);
    demand(op.allow.length <= 4, `op ${index}: allow`);
    demand(op.skip <= program.ops.length - index - 1, `op ${index}: skip`);
  });
  return found;
}
