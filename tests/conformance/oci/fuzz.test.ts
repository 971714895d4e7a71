/** Random documents, really run: a clear error or a container, and nothing left of either. tests/unit/oci/fuzz.test.ts tries more of them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';
import { documents } from '../../unit/oci/documents.ts';
import { needs } from '../../kernel/needs.ts';
import { Bundle, eventually, plainSpec } from './bundle.ts';
import { tareOci } from './runtimes.ts';

const able = needs('root', 'busybox', 'cgroup2');

type Document = Record<string, unknown>;

const isMap = (value: unknown): value is Document => typeof value === 'object' && value !== null;

/** Whatever is to be bound is of the bundle: a container may write to it. */
function kept(box: Bundle, document: unknown): unknown {
  if (!isMap(document) || !Array.isArray(document.mounts)) return document;
  const own: Record<string, string> = { '/etc': box.at('source'), '/etc/hostname': box.at('source/file') };
  const mounts = document.mounts.map((mount: unknown) =>
    isMap(mount) && typeof mount.source === 'string' ? { ...mount, source: own[mount.source] ?? mount.source } : mount,
  );
  return { ...document, mounts };
}

/** Of the bundle: what lies elsewhere is somebody's. */
function isSafe(box: Bundle, document: unknown): boolean {
  const root = isMap(document) && isMap(document.root) ? document.root.path : undefined;
  return typeof root !== 'string' || resolve(box.path, root).startsWith(box.at());
}

const { mount = '', v1 } = probeCgroups();
const hierarchies = [mount, ...new Set(Object.values(v1))];

const groups = (): string[] =>
  hierarchies
    .flatMap((top) => ['tare-oci', 'tare-fuzz', 'tare-oci/tare-fuzz'].map((name) => join(top, name)))
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name !== 'tare-fuzz')
        .map(({ name }) => `${path}/${name}`),
    );

const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');

describe.runIf(able)('random documents', () => {
  // What a group is asked to lie in stays, as with runc: here nobody else has asked for it.
  afterAll(() => {
    const parents = hierarchies.flatMap((top) => [join(top, 'tare-fuzz'), join(top, 'tare-oci/tare-fuzz')]);
    for (const parent of parents) if (existsSync(parent)) rmdirSync(parent);
  });

  test('make a container or an error in words, and leave nothing', { timeout: 300_000 }, async () => {
    using box = new Bundle(tareOci, plainSpec(['true']));
    mkdirSync(box.at('source'));
    writeFileSync(box.at('source/file'), '');
    const before = { groups: groups(), mounts: mounts() };
    const came = { created: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(documents, async (document) => {
        fc.pre(isSafe(box, document));
        box.write(kept(box, document));
        const { status, stderr } = box.create();
        if (status === 0) {
          came.created += 1;
          const started = box.start();
          expect(started.stderr).not.toContain('an error in tare-oci itself');
          await eventually('it has ended', () => /stopped|^$/.test(box.call('state', [box.id]).stdout));
        } else {
          came.refused += 1;
          expect(status).toBe(1);
          expect(stderr).toMatch(/\S/);
          expect(stderr).not.toContain('an error in tare-oci itself');
        }
        expect(box.call('delete', ['--force', box.id])).toMatchObject({ status: 0 });
        expect(readdirSync(box.at('state'))).toEqual([]);
        expect(groups()).toEqual(before.groups);
      }),
      { numRuns: 80 },
    );
    expect(mounts()).toBe(before.mounts);
    expect(Math.min(came.created, came.refused)).toBeGreaterThan(5);
  });
});
