/** Forms whose value is a number, a size, or made of ids. */
import type { IdMap, Ulimit } from '../../spec/request.ts';
import { didYouMean } from '../../spec/nearest.ts';
import { rlimitNames } from '../../spec/rlimit-names.ts';
import { readSize, sizeForm } from '../../spec/size.ts';
import type { Complain, Form } from '../flag.ts';
import { quote } from '../quote.ts';

interface Range {
  min: number;
  max?: number;
  /** -1 is fine too: no limit. */
  unlimited?: boolean;
}

export const integer = (
  { min, max = Number.MAX_SAFE_INTEGER, unlimited = false }: Range,
  expects: string,
): Form<number> => ({
  expects,
  read: (value, complain) => {
    const number = /^(\d+|-[1-9]\d*)$/.test(value) ? Number(value) : NaN;
    const fits = (number >= min && number <= max) || (unlimited && number === -1);
    if (Number.isNaN(number)) complain('not a whole number');
    else if (!fits) complain('out of range');
    return fits ? number : undefined;
  },
});

/** CPUs' worth of time; cgroup v2 gives no less than 1 of every 100 ms. */
export const cpus: Form<number> = {
  expects: 'a number of CPUs from 0.01, such as 1.5',
  read: (value, complain) => {
    const number = /^(\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : NaN;
    if (Number.isNaN(number)) complain('not a number');
    else if (number < 0.01) complain('too little');
    return number >= 0.01 ? number : undefined;
  },
};

export const octal: Form<number> = {
  expects: 'an octal number up to 0777, such as 022',
  read: (value, complain) => {
    const fits = /^0*[0-7]{1,3}$/.test(value);
    if (!fits) complain('not such a number');
    return fits ? parseInt(value, 8) : undefined;
  },
};

/** The text stays: `spec/` makes bytes of it. */
export const size: Form<string> = { expects: sizeForm, read: readSizeText };

export const sizeOrUnlimited: Form<string> = {
  expects: `${sizeForm}, or -1 for no limit`,
  read: (value, complain) => (value === '-1' ? value : readSizeText(value, complain)),
};

function readSizeText(value: string, complain: Complain): string | undefined {
  const fits = readSize(value) !== undefined;
  if (!fits) complain('not a size');
  return fits ? value : undefined;
}

/** A list of CPUs or memory nodes: cpuset(7), "List format". */
export const idList: Form<string> = {
  expects: 'a list such as 0-2,7',
  read: (value, complain) => {
    const ranges = /^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(value)
      ? value.split(',').map((range) => range.split('-').map(Number))
      : undefined;
    const backwards = ranges?.find(([from = 0, to = from]) => from > to);
    if (ranges === undefined) complain('not such a list');
    else if (backwards !== undefined) complain(`${backwards.join('-')} runs backwards`);
    return ranges === undefined || backwards !== undefined ? undefined : value;
  },
};

const ids = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/;
const idCount = 2 ** 32 - 1;

/** user_namespaces(7), "User and group ID mappings". */
export const idMap: Form<IdMap> = {
  expects: 'CONTAINER:HOST:SIZE, such as 0:100000:65536',
  read: (value, complain) => {
    const [containerID, hostID, length] = (ids.exec(value) ?? []).slice(1).map(Number);
    if (containerID === undefined || hostID === undefined || length === undefined) {
      complain('not three numbers');
      return undefined;
    }
    if (length === 0) complain('maps no id');
    else if (Math.max(containerID, hostID) + length > idCount) complain(`beyond the last id, ${idCount - 1}`);
    else return { containerID, hostID, size: length };
    return undefined;
  },
};

const ulimitNames = rlimitNames.map((name) => name.slice('RLIMIT_'.length).toLowerCase());

export const ulimit: Form<Ulimit> = {
  expects: 'NAME=SOFT[:HARD], such as nofile=1024:4096; -1 for no limit',
  read: (value, complain) => {
    const equals = value.indexOf('=');
    const name = equals < 0 ? value : value.slice(0, equals);
    if (!ulimitNames.includes(name)) {
      complain(`no limit is called ${quote(name)}${didYouMean(name, ulimitNames)}`);
      return undefined;
    }
    if (equals < 0) complain('no =');
    const [soft, hard = soft, ...more] = value
      .slice(equals + 1)
      .split(':')
      .map(readLimit);
    if (equals < 0) return undefined;
    if (soft === undefined || hard === undefined || more.length > 0) complain('not one or two whole numbers');
    else if (order(soft) > order(hard)) complain('the soft limit is above the hard one');
    else return { name, soft, hard };
    return undefined;
  },
};

function readLimit(text: string): number | 'unlimited' | undefined {
  if (text === '-1' || text === 'unlimited') return 'unlimited';
  return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

const order = (limit: number | 'unlimited'): number => (limit === 'unlimited' ? Infinity : limit);

interface TimeOffsets {
  monotonic?: number;
  boottime?: number;
}

/** time_namespaces(7): seconds, with up to nine decimals. */
export const timeOffsets: Form<TimeOffsets> = {
  expects: 'monotonic=SECONDS, boottime=SECONDS or both with a comma',
  read: (value, complain) => {
    const offsets: TimeOffsets = {};
    for (const part of value.split(',')) {
      const [, clock, seconds] = /^(monotonic|boottime)=(-?\d+(?:\.\d{1,9})?)$/.exec(part) ?? [];
      if (clock !== 'monotonic' && clock !== 'boottime') complain(`${quote(part)} is no offset of a clock`);
      else if (offsets[clock] !== undefined) complain(`two offsets of ${clock}`);
      else offsets[clock] = Number(seconds);
    }
    return offsets;
  },
};
