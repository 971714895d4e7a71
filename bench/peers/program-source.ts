/**
 * A launch program as C source: the same calls with the same arguments, written out, so that nothing is left to interpret.
 * A third reader of the program beside `encode` and `explain`, and as pure.
 */
import { type Arch, type Errno, errnos, syscallNumber } from '../../src/linux/abi.ts';
import { archValue } from '../../src/linux/flags.ts';
import type { Arg, Cell, Data, Field, Op, Program } from '../../src/launch/program.ts';

export interface SourceOptions {
  readonly arch: Arch;
  /** Names the function and all it needs: `child` makes `run_child`. */
  readonly name: string;
  /** Variables, of type long, that exist already. */
  readonly known: ReadonlyMap<Cell, string>;
}

export interface ProgramSource {
  /** Data, cells, and `static int run_NAME(void)`, which returns -1 or the index of the op that failed. */
  readonly text: string;
  /** Where the C program keeps what the cell holds. */
  variable(cell: Cell): string;
}

export function programSource(program: Program, options: SourceOptions): ProgramSource {
  const source = new Source(options);
  // The homes of cells inside blocks come first: an earlier op may use one.
  for (const op of program.ops) for (const arg of op.args) source.declare(arg);
  const body = program.ops.map((op, index) => source.op(op, index)).join('\n');
  const text = `${source.declarations()}

static int run_${options.name}(void) {
  long r;
  int tries;
  (void)tries;
${body}
  return -1;
}
`;
  return { text, variable: (cell) => source.cell(cell) };
}

class Source {
  readonly #options: SourceOptions;
  readonly #lines: string[] = [];
  readonly #blocks = new Map<Data, string>();
  readonly #cells: Map<Cell, string>;
  readonly #landings = new Set<number>();

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#cells = new Map(options.known);
  }

  declarations(): string {
    return this.#lines.join('\n');
  }

  declare(arg: Arg): void {
    if (typeof arg === 'object' && arg.kind === 'data') this.#block(arg);
  }

  op(op: Op, index: number): string {
    if (op.call === 'halt') throw new RangeError('a program that halts has no execve to time');
    const { arch } = this.#options;
    const args = Array.from({ length: 6 }, (_, at) => this.#argument(op.args[at] ?? 0));
    const call = `r = tare_syscall(${syscallNumber(op.call, arch)}, ${args.join(', ')});`;
    const label = this.#landings.has(index) ? `l${index}:\n` : '';
    const comment = `  /* ${index} ${op.call}: ${op.why.replaceAll('*/', '* /')} */`;
    return [`${label}${comment}`, ...this.#retried(op, call), ...this.#stored(op), ...this.#judged(op, index)].join(
      '\n',
    );
  }

  #retried(op: Op, call: string): string[] {
    if (op.retry === undefined) return [`  ${call}`];
    return [`  tries = ${op.retry.times};`, `  do ${call} while (r == -${errnos[op.retry.on]} && tries-- > 0);`];
  }

  #stored(op: Op): string[] {
    return op.into === undefined ? [] : [`  ${this.cell(op.into)} = r;`];
  }

  #judged(op: Op, index: number): string[] {
    const { allow = [], min = 0, skip = 0 } = op;
    const failed = `r < ${min}`;
    const fine = allow.map((errno) => (errno === 0 ? 'r >= 0' : `r == -${number(errno)}`)).join(' || ');
    const fail = `{ failed_errno = -r; return ${index}; }`;
    if (allow.length === 0) return [`  if (${failed}) ${fail}`];
    if (skip === 0) return [`  if (${failed} && !(${fine})) ${fail}`];
    this.#landings.add(index + skip + 1);
    return [`  if (${failed}) { if (${fine}) goto l${index + skip + 1}; ${fail} }`];
  }

  #argument(arg: Arg): string {
    if (typeof arg === 'string') return `(long)${quoted(arg)}`;
    if (typeof arg !== 'object') return whole(arg);
    if (arg.kind === 'named') return whole(archValue(arg.value, this.#options.arch));
    if (arg.kind === 'data') return `(long)&${this.#block(arg)}`;
    return `(long)${this.cell(arg)}`;
  }

  cell(cell: Cell): string {
    const known = this.#cells.get(cell);
    if (known !== undefined) return known;
    const variable = `${this.#options.name}_${cell.name}${this.#cells.size}`;
    this.#lines.push(`static long ${variable} = ${cell.initial ?? 0};`);
    this.#cells.set(cell, variable);
    return variable;
  }

  /** What its fields point at comes before it. */
  #block(data: Data): string {
    const known = this.#blocks.get(data);
    if (known !== undefined) return known;
    const fields = data.fields.map((field) => this.#field(field));
    const variable = `${this.#options.name}_block${this.#blocks.size}`;
    const members = fields.map(([type, , suffix], index) => `${type} f${index}${suffix ?? ''};`).join(' ');
    const values = fields.map(([, value]) => value).join(', ');
    this.#lines.push(`static struct __attribute__((packed, aligned(16))) { ${members} } ${variable} = { ${values} };`);
    this.#blocks.set(data, variable);
    data.fields.forEach((field, index) => {
      if ('cell' in field) this.#cells.set(field.cell, `${variable}.f${index}`);
    });
    return variable;
  }

  #field(field: Field): [type: string, value: string, suffix?: string] {
    const value = (one: number | bigint | { value: Parameters<typeof archValue>[0] }) =>
      whole(typeof one === 'object' ? archValue(one.value, this.#options.arch) : one);
    if ('u8' in field) return ['uint8_t', value(field.u8)];
    if ('u16' in field) return ['uint16_t', value(field.u16)];
    if ('u32' in field) return ['uint32_t', `(uint32_t)${value(field.u32)}`];
    if ('u64' in field) return ['uint64_t', `(uint64_t)${value(field.u64)}`];
    if ('bytes' in field) return ['uint8_t', `{ ${[...field.bytes].join(',')} }`, `[${field.bytes.length}]`];
    if ('cell' in field) return [field.width === 4 ? 'int32_t' : 'int64_t', '0'];
    if ('slot' in field) return ['void *', `&${this.cell(field.slot)}`];
    if ('self' in field) return ['uint32_t', '0'];
    if (field.address === null) return ['const void *', '0'];
    if (typeof field.address === 'string') return ['const void *', quoted(field.address)];
    return ['const void *', `&${this.#block(field.address)}`];
  }
}

const number = (errno: Errno | 0): number => (errno === 0 ? 0 : errnos[errno]);

/** As a constant of C that keeps all 64 bits. */
const whole = (value: number | bigint): string =>
  `${BigInt.asIntN(64, BigInt(value)) === -(2n ** 63n) ? '(-9223372036854775807LL - 1)' : `${BigInt.asIntN(64, BigInt(value))}LL`}`;

/** Octal escapes end after three digits; hexadecimal ones do not. */
function quoted(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) =>
    byte < 32 || byte > 126 || byte === 34 || byte === 92 || byte === 63
      ? `\\${byte.toString(8).padStart(3, '0')}`
      : String.fromCharCode(byte),
  );
  return `"${escaped.join('')}"`;
}
