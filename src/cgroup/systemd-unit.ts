/**
 * A container's group as a unit of systemd: names, and limits as properties. systemd.slice(5), systemd.scope(5),
 * systemd.resource-control(5), org.freedesktop.systemd1(5). Pure.
 */
import { TareError } from '../errors.ts';
import type { Variant } from './dbus-wire.ts';
import type { CgroupWrite } from './limits.ts';

export type Property = readonly [name: string, value: Variant];

/** A scope to be started: nothing has happened yet. */
export interface ScopeUnit {
  /** Such as `tare-web.scope`. */
  readonly name: string;
  readonly slice: string;
  /** Its group below that of the manager, such as `/system.slice/tare-web.scope`. */
  readonly path: string;
  readonly properties: readonly Property[];
}

/**
 * `a-b.slice` lies in `a.slice`: `/a.slice/a-b.slice`; the root is `-.slice`.
 * @throws TareError where that is no slice
 */
export function expandSlice(slice: string): string {
  const name = /^(.*)\.slice$/.exec(slice)?.[1];
  const parts = name?.split('-') ?? [];
  if (name === '-') return '';
  if (name === undefined || slice.includes('/') || parts.includes(''))
    throw new TareError(`find the slice ${JSON.stringify(slice)}`, {
      hint: 'it is called such as machine.slice or machine-web.slice, which lies in it',
    });
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}

interface Named {
  readonly id: string;
  /** `SLICE:PREFIX:NAME`, as engines that leave groups to systemd write it. */
  readonly cgroupsPath?: string;
}

/** @throws TareError where the path has another form */
export function scopeName({ id, cgroupsPath = '' }: Named, defaultSlice: string): Omit<ScopeUnit, 'properties'> {
  const parts = cgroupsPath === '' ? ['', 'tare', id] : cgroupsPath.split(':');
  const [slice = '', prefix = '', last = ''] = parts;
  if (parts.length !== 3 || last === '' || last.includes('/') || prefix.includes('/') || last.endsWith('.slice'))
    throw new TareError(
      `make the cgroup ${JSON.stringify(cgroupsPath)}: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups`,
      { hint: 'or leave out --systemd-cgroup' },
    );
  const name = `${escapeUnit(prefix === '' ? last : `${prefix}-${last}`)}.scope`;
  const inSlice = slice === '' ? defaultSlice : slice;
  return { name, slice: inSlice, path: `${expandSlice(inSlice)}/${name}` };
}

/** systemd.unit(5), "String Escaping for Inclusion in Unit Names". */
const escapeUnit = (text: string): string =>
  text.replace(/[^\w:.@-]/g, (character) =>
    [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  );

const flag = (value: boolean): Variant => ({ signature: 'b', value });
const text = (value: string): Variant => ({ signature: 's', value });
const number = (value: bigint): Variant => ({ signature: 't', value });

/** Less what is only known then: the pids. */
export const scopeProperties = (id: string, slice: string, writes: readonly CgroupWrite[]): Property[] => [
  ['Description', text(`container ${id}`)],
  ['Slice', text(slice)],
  // What lies in it is the container's own to divide; it gets all controllers.
  ['Delegate', flag(true)],
  ['DefaultDependencies', flag(false)],
  // The unit is gone with its last process, however that ended.
  ['CollectMode', text('inactive-or-failed')],
  ...['CPU', 'Memory', 'IO', 'Tasks'].map((kind): Property => [`${kind}Accounting`, flag(true)]),
  ...limitProperties(writes),
];

const infinity = 2n ** 64n - 1n;

const amount = (value: string): Variant => number(value === 'max' ? infinity : BigInt(value));

const amounts: Readonly<Record<string, string>> = {
  'memory.max': 'MemoryMax',
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.swap.max': 'MemorySwapMax',
  'pids.max': 'TasksMax',
  'cpu.weight': 'CPUWeight',
};

const bandwidths: Readonly<Record<string, string>> = {
  rbps: 'IOReadBandwidthMax',
  wbps: 'IOWriteBandwidthMax',
  riops: 'IOReadIOPSMax',
  wiops: 'IOWriteIOPSMax',
};

/**
 * The same limits in systemd's words, so that it does not undo them when it next looks at the unit. What it has no word
 * for is written to the group's files alone, as everything is.
 */
export function limitProperties(writes: readonly CgroupWrite[]): Property[] {
  const devices = new Map<string, (readonly [string, bigint])[]>();
  const found = writes.flatMap(({ file, value }): Property[] => {
    const name = amounts[file];
    if (name !== undefined) return [[name, amount(value)]];
    if (file === 'cpu.max') return cpuQuota(value);
    if (file === 'cpuset.cpus') return [['AllowedCPUs', mask(value)]];
    if (file === 'cpuset.mems') return [['AllowedMemoryNodes', mask(value)]];
    if (file === 'io.weight') return ioWeight(value);
    if (file === 'io.max') for (const [property, limit] of rates(value)) add(devices, property, limit);
    return [];
  });
  const limited = [...devices].map(([name, value]): Property => [name, { signature: 'a(st)', value }]);
  return [...found, ...limited];
}

function add<T>(lists: Map<string, T[]>, key: string, value: T): void {
  lists.set(key, [...(lists.get(key) ?? []), value]);
}

/** systemd counts in hundredths of a CPU: what lies between is rounded up, and exact in the group's own file. */
function cpuQuota(value: string): Property[] {
  const [quota = 'max', period = '100000'] = value.split(' ');
  const perSecond = quota === 'max' ? infinity : roundUp((BigInt(quota) * 1_000_000n) / BigInt(period), 10_000n);
  return [
    ['CPUQuotaPerSecUSec', number(perSecond)],
    ['CPUQuotaPeriodUSec', number(BigInt(period))],
  ];
}

const roundUp = (value: bigint, step: bigint): bigint => ((value + step - 1n) / step) * step;

/** `0-2,7` as bits, the first in the lowest of the first byte. */
function mask(list: string): Variant {
  const bytes: number[] = [];
  for (const range of list.split(',').filter(Boolean)) {
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let bit = first; bit <= last; bit += 1) {
      while (bytes.length <= bit >> 3) bytes.push(0);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }
  return { signature: 'ay', value: bytes };
}

const nodeOf = (device: string): string => `/dev/block/${device}`;

/** `default 100`, or `8:0 100`. */
function ioWeight(value: string): Property[] {
  const [of = '', weight = '100'] = value.split(' ');
  if (of === 'default') return [['IOWeight', amount(weight)]];
  return [['IODeviceWeight', { signature: 'a(st)', value: [[nodeOf(of), BigInt(weight)]] }]];
}

/** `8:0 rbps=1000 wiops=max`. */
function rates(value: string): (readonly [property: string, limit: readonly [string, bigint]])[] {
  const [device = '', ...words] = value.split(' ');
  return words.flatMap((word) => {
    const [key = '', limit = ''] = word.split('=');
    const property = bandwidths[key];
    return property === undefined ? [] : [[property, [nodeOf(device), limit === 'max' ? infinity : BigInt(limit)]]];
  });
}
