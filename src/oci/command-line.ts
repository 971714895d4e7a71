/** The command line of runc(8), read by tables: what a verb does not know is refused by name. Pure. */
import { TareError } from '../errors.ts';
import { didYouMean } from '../spec/nearest.ts';

/** `flag` stands alone, `value` takes the next word or what follows a `=`; `values` may be given again and again. */
export type FlagKind = 'flag' | 'value' | 'values';

export interface FlagTable {
  readonly flags: Readonly<Record<string, FlagKind>>;
  /** One letter → the flag. */
  readonly short?: Readonly<Record<string, string>>;
  /** What follows the flags, as the usage line shows it. */
  readonly operands: string;
  /** How many there may be. */
  readonly most: number;
  readonly least: number;
  /** From the first operand on everything belongs to somebody else's command. */
  readonly command?: boolean;
}

export class Words {
  readonly operands: readonly string[];
  readonly #flags: ReadonlySet<string>;
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(operands: readonly string[], flags: ReadonlySet<string>, values: ReadonlyMap<string, readonly string[]>) {
    this.operands = operands;
    this.#flags = flags;
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#flags.has(name);
  }

  /** Of one that is given twice the last word counts. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  values(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** A whole number, 0 or more. */
  count(name: string): number | undefined {
    const text = this.value(name);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text))
      throw new TareError(`read --${name} ${JSON.stringify(text)}`, { hint: 'it takes a whole number' });
    return Number(text);
  }

  get id(): string {
    return this.operands[0] ?? '';
  }
}

export const globalFlags: FlagTable = {
  flags: {
    debug: 'flag',
    log: 'value',
    'log-format': 'value',
    root: 'value',
    criu: 'value',
    'systemd-cgroup': 'flag',
    rootless: 'value',
    help: 'flag',
    version: 'flag',
  },
  short: { h: 'help', v: 'version' },
  operands: 'VERB …',
  least: 0,
  most: Infinity,
  command: true,
};

const creating: Readonly<Record<string, FlagKind>> = {
  bundle: 'value',
  'console-socket': 'value',
  'pid-file': 'value',
  'no-pivot': 'flag',
  'no-new-keyring': 'flag',
  'preserve-fds': 'value',
};

const one = { operands: 'ID', least: 1, most: 1 };

export const verbFlags = {
  create: { ...one, flags: creating, short: { b: 'bundle' } },
  run: {
    ...one,
    flags: { ...creating, detach: 'flag', keep: 'flag', 'no-subreaper': 'flag' },
    short: { b: 'bundle', d: 'detach' },
  },
  start: { ...one, flags: {} },
  state: { ...one, flags: {} },
  kill: { flags: { all: 'flag' }, short: { a: 'all' }, operands: 'ID [SIGNAL]', least: 1, most: 2 },
  delete: { ...one, flags: { force: 'flag' }, short: { f: 'force' } },
  pause: { ...one, flags: {} },
  resume: { ...one, flags: {} },
  exec: {
    flags: {
      process: 'value',
      detach: 'flag',
      tty: 'flag',
      'console-socket': 'value',
      'pid-file': 'value',
      'preserve-fds': 'value',
      'no-new-privs': 'flag',
      'ignore-paused': 'flag',
      cwd: 'value',
      env: 'values',
      user: 'value',
      'additional-gids': 'values',
      cap: 'values',
      apparmor: 'value',
      'process-label': 'value',
    },
    short: { p: 'process', d: 'detach', t: 'tty', e: 'env', u: 'user', g: 'additional-gids', c: 'cap' },
    operands: 'ID [COMMAND …]',
    least: 1,
    most: Infinity,
    command: true,
  },
  ps: {
    flags: { format: 'value' },
    short: { f: 'format' },
    operands: 'ID [PS-OPTION …]',
    least: 1,
    most: Infinity,
    command: true,
  },
  list: {
    flags: { format: 'value', quiet: 'flag' },
    short: { f: 'format', q: 'quiet' },
    operands: '',
    least: 0,
    most: 0,
  },
  update: {
    ...one,
    flags: {
      resources: 'value',
      'blkio-weight': 'value',
      'cpu-period': 'value',
      'cpu-quota': 'value',
      'cpu-burst': 'value',
      'cpu-share': 'value',
      'cpu-idle': 'value',
      'cpuset-cpus': 'value',
      'cpuset-mems': 'value',
      memory: 'value',
      'memory-reservation': 'value',
      'memory-swap': 'value',
      'kernel-memory': 'value',
      'kernel-memory-tcp': 'value',
      'cpu-rt-period': 'value',
      'cpu-rt-runtime': 'value',
      'pids-limit': 'value',
    },
    short: { r: 'resources' },
  },
  events: { ...one, flags: { stats: 'flag', interval: 'value' } },
  spec: { flags: { bundle: 'value', rootless: 'flag' }, short: { b: 'bundle' }, operands: '', least: 0, most: 0 },
  features: { flags: {}, operands: '', least: 0, most: 0 },
  explain: { flags: {}, operands: 'start|kill|pause|resume|delete ID', least: 2, most: 2 },
  checkpoint: { ...one, most: Infinity, command: true, flags: {} },
  restore: { ...one, most: Infinity, command: true, flags: {} },
} as const satisfies Record<string, FlagTable>;

/** @param of what the words belong to, for the message: `create` */
export function readWords(argv: readonly string[], of: string, table: FlagTable): Words {
  const operands: string[] = [];
  const flags = new Set<string>();
  const values = new Map<string, string[]>();
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (word === '--') {
      operands.push(...argv.slice(at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(...(table.command === true ? argv.slice(at) : [word]));
      if (table.command === true) break;
      continue;
    }
    const [, dashes = '', given = '', inline] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const name = dashes === '-' ? (table.short?.[given] ?? given) : given;
    const kind = Object.hasOwn(table.flags, name) ? table.flags[name] : undefined;
    if (kind === undefined)
      throw new TareError(`${of}: no such flag as ${word}${didYouMean(name, Object.keys(table.flags))}`);
    if (kind === 'flag') {
      if (inline === undefined || inline === 'true') flags.add(name);
      else if (inline !== 'false') throw new TareError(`${of}: --${name} takes no value`);
      continue;
    }
    const value = inline ?? argv[(at += 1)];
    if (value === undefined) throw new TareError(`${of}: --${name} needs a value`);
    values.set(name, [...(kind === 'values' ? (values.get(name) ?? []) : []), value]);
  }
  if (operands.length < table.least || operands.length > table.most)
    throw new TareError(`${of}: ${operands.length} operands given`, {
      hint: `usage: tare-oci ${of} [FLAGS] ${table.operands}`,
    });
  return new Words(operands, flags, values);
}
