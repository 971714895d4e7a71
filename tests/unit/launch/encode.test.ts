import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Encoded, encode } from '../../../src/launch/encode.ts';
import { Memory } from '../../../src/launch/memory.ts';
import {
  type Arg,
  type Cell,
  cell,
  data,
  type Data,
  type Field,
  type Op,
  strings,
} from '../../../src/launch/program.ts';
import { type Arch, errnos, syscallNumber } from '../../../src/linux/abi.ts';
import { archValue, flags, O } from '../../../src/linux/flags.ts';
import { compiled } from './examples.ts';
import { decode, type Decoded, faults, textAt } from './decoder.ts';
import { cells, programs } from './programs.ts';

const op = (args: readonly Arg[], more: Partial<Op> = {}): Op => ({
  why: 'see',
  call: 'read',
  args,
  stage: '',
  ...more,
});
const x64 = { arch: 'x64' } as const;

test('the header says what is where', () => {
  const { bytes } = encode({ ops: [op([]), op([])] }, x64);
  expect(bytes.subarray(0, 40).toString('hex').match(/.{8}/g)).toMatchInlineSnapshot(`
    [
      "74617265",
      "01000000",
      "f0000000",
      "02000000",
      "40000000",
      "00000000",
      "f0000000",
      "00000000",
      "00000000",
      "00000000",
    ]
  `);
});

test('an op lies as native/launch.h lays it out', () => {
  const fd = cell('fd');
  const program = {
    ops: [
      op([-100, 'x', fd], {
        into: fd,
        min: 1,
        allow: ['ENOENT', 0],
        skip: 1,
        retry: { on: 'EAGAIN', times: 32, pause: 250 },
      }),
      op([]),
    ],
  };
  const { bytes, cells } = encode(program, x64);
  const home = cells.get(fd);
  expect(home?.width).toBe(8);
  expect(decode(bytes).ops[0]).toEqual({
    call: 0,
    into: home?.offset,
    intoWidth: 8,
    min: 1n,
    args: [
      { kind: 'value', value: 2n ** 64n - 100n },
      { kind: 'address', value: BigInt(bytes.indexOf('x\0', 64 + 2 * 88)) },
      { kind: 'cell8', value: BigInt(home?.offset ?? 0) },
      ...Array.from({ length: 3 }, () => ({ kind: 'value', value: 0n })),
    ],
    allow: [2, 0],
    skip: 1,
    retryOn: 11,
    retryTimes: 32,
    retryPause: 250,
  });
});

test('numbers and flags are those of the architecture', () => {
  const program = { ops: [op([flags(O, 'DIRECTORY')], { call: 'openat' })] };
  const [onX64, onArm64] = (['x64', 'arm64'] as const).map((arch) => decode(encode(program, { arch }).bytes).ops[0]);
  expect([onX64?.call, onX64?.args[0]?.value]).toEqual([257, 0o200000n]);
  expect([onArm64?.call, onArm64?.args[0]?.value]).toEqual([56, 0o40000n]);
});

test('a list of strings is an array of addresses that ends in null', () => {
  const { bytes } = encode({ ops: [op([strings(['a', 'b'])])] }, x64);
  const { ops, relocs } = decode(bytes);
  const at = Number(ops[0]?.args[0]?.value);
  expect(relocs).toEqual([at, at + 8]);
  expect([0, 8].map((word) => textAt(bytes, Number(bytes.readBigUInt64LE(at + word))))).toEqual(['a', 'b']);
  expect(bytes.readBigUInt64LE(at + 16)).toBe(0n);
});

test('a cell that lies in a block is filled there, even by an op that comes before the block', () => {
  const fd = cell('fd');
  const message = data('{fd}', [{ u32: 20 }, { cell: fd, width: 4 }]);
  const pointer = data('{&fd}', [{ slot: fd }]);
  const { bytes, cells } = encode({ ops: [op([pointer], { into: fd }), op([message]), op([fd])] }, x64);
  const [first, second, third] = decode(bytes).ops;
  const home = Number(second?.args[0]?.value) + 4;
  expect(cells.get(fd)).toEqual({ offset: home, width: 4 });
  expect([first?.into, first?.intoWidth]).toEqual([home, 4]);
  expect(third?.args[0]).toEqual({ kind: 'cell4', value: BigInt(home) });
  expect(bytes.readBigUInt64LE(Number(first?.args[0]?.value))).toBe(BigInt(home));
});

test('a cell that two blocks claim is refused', () => {
  const fd = cell('fd');
  const block = () => data('{fd}', [{ cell: fd, width: 8 }]);
  expect(() => encode({ ops: [op([block(), block()])] }, x64)).toThrow('$fd has two homes');
});

test('an op that does not fit into its struct is refused', () => {
  const tooMany = { ops: [op([1, 2, 3, 4, 5, 6, 7])] };
  const tooLenient = { ops: [op([], { allow: ['EPERM', 'ENOENT', 'ESRCH', 'EINTR', 'EIO'] })] };
  expect(() => encode(tooMany, x64)).toThrow('at most 6 arguments');
  expect(() => encode(tooLenient, x64)).toThrow('at most 4 errnos');
});

test('what a cell holds at first lies in its slot, wherever that is', () => {
  const [own, embedded] = [cell('own', 4), cell('embedded', 5)];
  const block = data('{}', [{ cell: embedded, width: 4 }, { u32: 0 }]);
  const { bytes, cells } = encode({ ops: [op([own, embedded, block])] }, x64);
  expect([own, embedded].map((each) => bytes.readInt32LE(cells.get(each)?.offset))).toEqual([4, 5]);
});

test('the number of its op stands in a message', () => {
  const message = () => data('{self}', [{ self: true }, { u32: 0 }]);
  const { bytes } = encode({ ops: [op([]), op([message()]), op([message()])] }, x64);
  const numbers = decode(bytes)
    .ops.slice(1)
    .map(({ args }) => bytes.readUInt32LE(Number(args[0]?.value)));
  expect(numbers).toEqual([1, 2]);
});

test('a traced program has room for a stamp of each op and of its end, and is the same otherwise', () => {
  const program = compiled();
  const [plain, traced] = [encode(program, x64), encode(program, { ...x64, trace: true })];
  expect(plain.trace).toBe(0);
  expect(traced.bytes.length - traced.trace).toBeGreaterThanOrEqual((program.ops.length + 1) * 16);
  expect(decode(traced.bytes).ops).toEqual(decode(plain.bytes).ops);
});

test('the default program is one that the interpreter accepts', () => {
  expect(faults(encode(compiled(), x64).bytes)).toEqual([]);
});

test('whatever the program: it is one that the interpreter accepts, and reads back as it was', () => {
  const memory = new Memory(64);
  fc.assert(
    fc.property(programs, fc.constantFrom<Arch>('x64', 'arm64'), fc.boolean(), (program, arch, trace) => {
      const encoded = encode(program, { arch, trace, memory });
      const decoded = decode(encoded.bytes);
      expect(faults(encoded.bytes)).toEqual([]);
      expect(overlaps(encoded)).toEqual([]);
      expect(decoded.report).toBe(encoded.cells.get(cells[3]!)?.offset);
      expect(decoded.ops).toHaveLength(program.ops.length);
      const reader = new Reader(encoded, decoded, arch);
      program.ops.forEach((each, index) => reader.compare(each, index));
      expect(new Set(decoded.relocs)).toEqual(reader.pointers);
    }),
    { numRuns: 300 },
  );
});

test('a block that has served before leaves no trace in the next program', () => {
  const memory = new Memory();
  fc.assert(
    fc.property(programs, programs, (one, other) => {
      encode(one, { ...x64, memory });
      expect(encode(other, { ...x64, memory }).bytes).toEqual(encode(other, x64).bytes);
    }),
    { numRuns: 100 },
  );
});

/** Pairs of cells that share a byte. */
function overlaps({ cells }: Encoded): string[] {
  const homes = [...cells].map(([each, { offset, width }]) => ({ name: each.name, offset, end: offset + width }));
  homes.sort((a, b) => a.offset - b.offset);
  return homes.flatMap(({ name, offset }, index) => {
    const before = homes[index - 1];
    return before !== undefined && before.end > offset ? [`${before.name} and ${name}`] : [];
  });
}

/** Follows an op's arguments through the encoded bytes, and collects every word that must be an address. */
class Reader {
  readonly pointers = new Set<number>();
  readonly #bytes: Buffer;
  readonly #cells: Encoded['cells'];
  readonly #decoded: Decoded;
  readonly #arch: Arch;
  #index = 0;

  constructor({ bytes, cells }: Encoded, decoded: Decoded, arch: Arch) {
    this.#bytes = bytes;
    this.#cells = cells;
    this.#decoded = decoded;
    this.#arch = arch;
  }

  compare(op: Op, index: number): void {
    const found = this.#decoded.ops[index]!;
    this.#index = index;
    expect(found).toMatchObject({
      call: op.call === 'halt' ? 0xffffffff : syscallNumber(op.call, this.#arch),
      into: op.into === undefined ? 0 : this.#home(op.into).offset,
      min: BigInt(op.min ?? 0),
      allow: (op.allow ?? []).map((errno) => (errno === 0 ? 0 : errnos[errno])),
      skip: op.skip ?? 0,
      retryOn: op.retry === undefined ? 0 : errnos[op.retry.on],
      retryTimes: op.retry?.times ?? 0,
      retryPause: op.retry?.pause ?? 0,
    });
    for (let place = 0; place < 6; place += 1) {
      const { kind, value } = found.args[place]!;
      this.#argument(op.args[place] ?? 0, kind, value);
    }
  }

  #argument(arg: Arg, kind: string, value: bigint): void {
    if (typeof arg === 'string' || (typeof arg === 'object' && arg.kind === 'data')) {
      expect(kind).toBe('address');
      this.#target(arg, Number(value));
    } else if (typeof arg === 'object' && arg.kind === 'cell') {
      expect([kind, Number(value)]).toEqual([`cell${this.#home(arg).width}`, this.#home(arg).offset]);
    } else {
      expect([kind, value]).toEqual([
        'value',
        this.#unsigned(typeof arg === 'object' ? archValue(arg.value, this.#arch) : arg),
      ]);
    }
  }

  #target(target: string | Data, at: number): void {
    if (typeof target === 'string') {
      expect(textAt(this.#bytes, at)).toBe(Buffer.from(target).toString());
      return;
    }
    let offset = at;
    for (const field of target.fields) offset += this.#field(field, offset);
  }

  /** Returns its size. */
  #field(field: Field, at: number): number {
    if ('u8' in field) return this.#same(at, 1, field.u8);
    if ('u16' in field) return this.#same(at, 2, field.u16);
    if ('u32' in field) return this.#same(at, 4, field.u32 as number);
    if ('self' in field) return this.#same(at, 4, this.#index);
    if ('u64' in field)
      return this.#same(at, 8, typeof field.u64 === 'object' ? archValue(field.u64.value, this.#arch) : field.u64);
    if ('bytes' in field) {
      expect([...this.#bytes.subarray(at, at + field.bytes.length)]).toEqual([...field.bytes]);
      return field.bytes.length;
    }
    if ('cell' in field) {
      expect(this.#home(field.cell)).toEqual({ offset: at, width: field.width });
      return this.#same(at, field.width, field.cell.initial ?? 0);
    }
    if ('slot' in field) {
      this.pointers.add(at);
      return this.#same(at, 8, this.#home(field.slot).offset);
    }
    if (field.address === null) return this.#same(at, 8, 0);
    this.pointers.add(at);
    this.#target(field.address, Number(this.#bytes.readBigUInt64LE(at)));
    return 8;
  }

  #same(at: number, width: number, value: number | bigint): number {
    const low = this.#bytes.subarray(at, at + width);
    const found = Buffer.concat([low, Buffer.alloc(8 - width)]).readBigUInt64LE();
    expect(found).toBe(this.#unsigned(value));
    return width;
  }

  #home(of: Cell): { offset: number; width: number } {
    return this.#cells.get(of) ?? { offset: -1, width: 0 };
  }

  #unsigned(value: number | bigint): bigint {
    return BigInt.asUintN(64, BigInt(value));
  }
}
