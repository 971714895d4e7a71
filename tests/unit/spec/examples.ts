/** A host, an image and a user for tests to vary. */
import { format } from 'prettier';
import type { ImageConfig } from '../../../src/spec/image-config.ts';
import { pointer } from '../../../src/spec/problem.ts';
import type { Problem } from '../../../src/spec/problem.ts';
import type { SpecFacts } from '../../../src/spec/spec-facts.ts';

export const busybox: ImageConfig = { cmd: ['sh'] };

/** Root on an ordinary machine. */
export const host: SpecFacts = {
  id: '0123456789ab',
  rootfs: '/var/lib/tare/0123456789ab/root',
  rootless: false,
  uid: 0,
  gid: 0,
  hostname: 'mill',
  user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
};

/** An ordinary user with subordinate ids. */
export const rootlessHost: SpecFacts = {
  ...host,
  rootless: true,
  uid: 1000,
  gid: 1000,
  subordinate: { uids: [{ start: 100_000, size: 65_536 }], gids: [{ start: 100_000, size: 65_536 }] },
};

/** A document as short lines of JSON. */
export const legible = (document: unknown): Promise<string> =>
  format(JSON.stringify(document), { parser: 'json', printWidth: 110, objectWrap: 'collapse' });

type Leaf = readonly [at: string, value: string];

/** Every leaf of a document. The items of a list are leaves without a place, so that one more shifts none. */
function leaves(value: unknown, at = ''): Leaf[] {
  const items = Array.isArray(value) ? value.map((item): Leaf => [at, JSON.stringify(item)]) : [];
  if (items.length > 0) return items;
  const isBranch = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  if (!isBranch) return [[at, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, each]) => leaves(each, at + pointer(name)));
}

function onlyIn(some: readonly Leaf[], others: readonly Leaf[], sign: string): string[] {
  const known = new Set(others.map((leaf) => leaf.join(' ')));
  const byPlace = new Map<string, string[]>();
  for (const [at, value] of some) {
    if (!known.has(`${at} ${value}`)) byPlace.set(at, [...(byPlace.get(at) ?? []), value]);
  }
  return [...byPlace].map(([at, values]) => {
    const shown = values.length > 4 ? `${values.length} items` : values.join(' ');
    return `${sign} ${at} ${shown}`;
  });
}

/** What one document has and the other has not, a line for each place. */
export function changes(before: unknown, after: unknown): string {
  const [was, is] = [leaves(before), leaves(after)];
  return [...onlyIn(was, is, '-'), ...onlyIn(is, was, '+')].join('\n');
}

/** A line for each problem. */
export const told = (problems: readonly Problem[]): string =>
  problems.map(({ pointer: at, must }) => `${at}: ${must}`).join('\n');
