/**
 * Mounts and devices in Docker's three notations: `SRC:DST[:OPTIONS]`, `DST[:OPTIONS]` and `key=value,…`.
 *
 * Two things follow Docker rather than mount(8): a bind mount takes the mounts below its source along, and a read-only
 * one is read-only all the way down (`rro`), unless its options say `bind` instead of `rbind`.
 */
import { posix } from 'node:path';
import { mountOptionNames } from '../../spec/mount-options.ts';
import { didYouMean } from '../../spec/nearest.ts';
import type { MountRequest } from '../../spec/request.ts';
import { readSize } from '../../spec/size.ts';
import type { Complain, Context, Form } from '../flag.ts';
import { quote } from '../quote.ts';
import { containerPath, readTruth } from './words.ts';

/** tmpfs(5), "Mount options". */
const tmpfsOptionNames = [
  'size',
  'nr_blocks',
  'nr_inodes',
  'noswap',
  'mode',
  'gid',
  'uid',
  'huge',
  'mpol',
  'inode32',
  'inode64',
];

export const volume: Form<MountRequest> = {
  expects: 'SRC:DST[:OPTIONS], such as ./src:/src:ro',
  read: (value, complain, context) => {
    const [source = '', target, options, ...more] = value.split(':');
    if (target === undefined || more.length > 0) {
      complain(target === undefined ? 'no target' : 'more than two colons');
      return undefined;
    }
    return bind(readSource(source, complain, context), target, deepened(words(options)), complain);
  },
};

function deepened(options: string[]): string[] {
  if (options.includes('bind')) return options;
  const deep = options.map((word) => (word === 'ro' ? 'rro' : word));
  return deep.includes('rbind') ? deep : ['rbind', ...deep];
}

export const tmpfs: Form<MountRequest> = {
  expects: 'DST[:OPTIONS], such as /run:size=64m,mode=755',
  read: (value, complain) => {
    const [target = '', options, ...more] = value.split(':');
    if (more.length > 0) complain('more than one colon');
    return tmpfsAt(target, words(options), complain);
  },
};

const words = (list: string | undefined): string[] => (list === undefined || list === '' ? [] : list.split(','));

function readSource(source: string, complain: Complain, { cwd }: Context): string | undefined {
  if (source.includes('/') || source === '.' || source === '..') return posix.resolve(cwd, source);
  complain(source === '' ? 'no source' : `tare keeps no named volumes; write ./${source} for a directory`);
  return undefined;
}

function bind(source: string | undefined, at: string, options: string[], complain: Complain): MountRequest | undefined {
  const target = readTarget(at, complain);
  const known = checkOptions(options, mountOptionNames, complain);
  return source === undefined || target === undefined || !known ? undefined : { type: 'bind', source, target, options };
}

function tmpfsAt(at: string, options: string[], complain: Complain): MountRequest | undefined {
  const target = readTarget(at, complain);
  const known = checkOptions(options, [...mountOptionNames, ...tmpfsOptionNames], complain);
  return target === undefined || !known ? undefined : { type: 'tmpfs', target, options };
}

function readTarget(value: string, complain: Complain): string | undefined {
  const target = containerPath(value, complain);
  if (target === '/') complain('the root itself is no target');
  return target === '/' ? undefined : target;
}

function checkOptions(options: readonly string[], names: readonly string[], complain: Complain): boolean {
  const unknown = options.map((option) => option.replace(/=.*/s, '')).filter((name) => !names.includes(name));
  for (const name of unknown) complain(`no mount option is called ${quote(name)}${didYouMean(name, names)}`);
  return unknown.length === 0;
}

const propagations = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];

/** What the keys of `--mount` say, under one name each. */
interface Fields {
  type?: string;
  source?: string;
  target?: string;
  readonly?: string;
  'bind-propagation'?: string;
  'bind-recursive'?: string;
  'tmpfs-size'?: string;
  'tmpfs-mode'?: string;
}

const fieldNames: ReadonlyMap<string, keyof Fields> = new Map([
  ['type', 'type'],
  ['source', 'source'],
  ['src', 'source'],
  ['target', 'target'],
  ['destination', 'target'],
  ['dst', 'target'],
  ['readonly', 'readonly'],
  ['ro', 'readonly'],
  ['bind-propagation', 'bind-propagation'],
  ['bind-recursive', 'bind-recursive'],
  ['tmpfs-size', 'tmpfs-size'],
  ['tmpfs-mode', 'tmpfs-mode'],
]);

const fieldsOf: ReadonlyMap<string, readonly string[]> = new Map([
  ['bind', ['type', 'target', 'readonly', 'source', 'bind-propagation', 'bind-recursive']],
  ['tmpfs', ['type', 'target', 'readonly', 'tmpfs-size', 'tmpfs-mode']],
]);

export const mount: Form<MountRequest> = {
  expects: 'type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,tmpfs-size=SIZE]',
  read: (value, complain, context) => {
    const fields = readFields(value, complain);
    if (fields === undefined) return undefined;
    const { type = '', target = '' } = fields;
    const allowed = fieldsOf.get(type);
    if (allowed === undefined) {
      complain(type === '' ? 'no type' : `no mount type is called ${quote(type)}`);
      return undefined;
    }
    for (const name of Object.keys(fields)) {
      if (!allowed.includes(name)) complain(`${name} says nothing to a ${type} mount`);
    }
    if (type === 'tmpfs') return tmpfsAt(target, tmpfsOptions(fields, complain), complain);
    return bind(readSource(fields.source ?? '', complain, context), target, bindOptions(fields, complain), complain);
  },
};

function readFields(value: string, complain: Complain): Fields | undefined {
  const columns = splitCsv(value);
  if (columns === undefined) {
    complain('a quote without its partner');
    return undefined;
  }
  const fields: Fields = {};
  for (const column of columns) {
    const equals = column.indexOf('=');
    const key = equals < 0 ? column : column.slice(0, equals);
    const name = fieldNames.get(key);
    if (name === undefined) complain(`no key is called ${quote(key)}${didYouMean(key, fieldNames.keys())}`);
    else if (fields[name] !== undefined) complain(`two values of ${name}`);
    else if (equals < 0 && name !== 'readonly') complain(`${key} has no value`);
    else fields[name] = equals < 0 ? 'true' : column.slice(equals + 1);
  }
  return fields;
}

/** One line of comma-separated values (RFC 4180), so that a path in quotes may hold a comma. */
function splitCsv(line: string): string[] | undefined {
  const column = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  const columns: string[] = [];
  for (;;) {
    const [, quoted, plain, end] = column.exec(line) ?? [];
    if (end === undefined) return undefined;
    columns.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '') return columns;
  }
}

/** What a bind mount does with the mounts below its source, by the words of Docker's `bind-recursive`. */
const recursion: ReadonlyMap<string, (readOnly: boolean) => string[]> = new Map([
  ['enabled', (readOnly: boolean) => (readOnly ? ['rbind', 'rro'] : ['rbind'])],
  ['disabled', (readOnly: boolean) => (readOnly ? ['bind', 'ro'] : ['bind'])],
  ['writable', (readOnly: boolean) => (readOnly ? ['rbind', 'ro'] : ['rbind'])],
  ['readonly', () => ['rbind', 'rro']],
]);

function bindOptions(fields: Fields, complain: Complain): string[] {
  const depth = recursion.get(fields['bind-recursive'] ?? 'enabled');
  if (depth === undefined) complain(`bind-recursive is one of ${[...recursion.keys()].join(', ')}`);
  const options = depth?.(isReadOnly(fields, complain)) ?? [];
  const propagation = fields['bind-propagation'];
  if (propagation === undefined) return options;
  if (propagations.includes(propagation)) return [...options, propagation];
  complain(`bind-propagation is one of ${propagations.join(', ')}`);
  return options;
}

function tmpfsOptions(fields: Fields, complain: Complain): string[] {
  const { 'tmpfs-size': bytes, 'tmpfs-mode': mode } = fields;
  if (bytes !== undefined && readSize(bytes) === undefined) complain(`tmpfs-size is no size: ${quote(bytes)}`);
  if (mode !== undefined && !/^[0-7]{1,4}$/.test(mode)) complain(`tmpfs-mode is no octal number: ${quote(mode)}`);
  return [
    ...(isReadOnly(fields, complain) ? ['ro'] : []),
    ...(bytes === undefined ? [] : [`size=${bytes}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
}

function isReadOnly({ readonly = 'false' }: Fields, complain: Complain): boolean {
  const value = readTruth(readonly);
  if (value === undefined) complain(`readonly is neither true nor false: ${quote(readonly)}`);
  return value ?? false;
}
