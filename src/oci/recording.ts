/**
 * Puts a `create` on record, so that other bundles like this one are created without Node: see gaps.ts for how much they may
 * differ, and container/recording.ts for how records are trusted.
 */
import { mkdirSync, lstatSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { CgroupPlan } from '../cgroup/driver.ts';
import type { CgroupHost } from '../cgroup/hierarchy.ts';
import type { Engine } from '../container/engine.ts';
import { pathKind } from '../container/engine.ts';
import { prepareDetached } from '../container/prepare-detached.ts';
import type { DetachedOptions, Prepared } from '../container/prepared.ts';
import { hostGuards, seen, text as contentOf } from '../container/recording.ts';
import { bundleOf } from '../image/resolve.ts';
import type { Guard } from '../launch/record.ts';
import { asksForExec } from '../launch/tare-init.ts';
import { fnv1a } from '../linux/hash.ts';
import { builtFile } from '../linux/native.ts';
import { capabilityNames } from '../spec/capability-names.ts';
import { isBind } from '../spec/mount-options.ts';
import type { Spec } from '../spec/spec.ts';
import { adapt } from './adapt.ts';
import type { CreateRequest } from './create-request.ts';
import { type CreationKey, creationKey, encodeCreation, headerSize } from './creation-record.ts';
import { findGaps } from './gaps.ts';
import { homeGuards, withHome } from './home.ts';
import { hasStandIn, standIns, withStandIns, wordsBehind } from './stand-ins.ts';
import type { Saved } from './state.ts';

/** `CREATION_DIRECTORY` and `CREATIONS` of native/creation.h. */
const directory = '/run/tare/creations';
const most = 16;

export interface Recordable {
  readonly request: CreateRequest;
  readonly options: Omit<DetachedOptions, 'kindOf'>;
  readonly saved: Saved;
}

/** How bundles like that of the request are created: what it gives, if anything, puts that on record. A full or read-only disk costs nothing else. */
export async function draftCreation(
  engine: Engine,
  { request, options, saved }: Recordable,
): Promise<(() => void) | undefined> {
  const text = readFileSync(join(request.bundle, 'config.json'), 'latin1');
  if (hasStandIn(text) || engine.host.rootless || request.preserveFds > 0 || request.onTerminal !== undefined)
    return undefined;
  const gaps = findGaps(text);
  const unknown = { warned: false };
  const warn = () => (unknown.warned = true);
  const document: unknown = JSON.parse(Buffer.from(withStandIns(text, gaps), 'latin1').toString('utf8'));
  const { root, spec: written } = bundleOf(standIns.bundle, adapt(document, new Set(capabilityNames), warn));
  const spec = { ...written, process: withHome(engine, written.process, saved.rootfs) };
  const reveal = wordsBehind(text, gaps, resolve(request.bundle));
  const kindOf = (path: string) => pathKind(reveal(path));
  const image = {
    reference: '',
    config: {},
    root: { kind: 'directory', path: root },
    spec,
    bundle: standIns.bundle,
  } as const;
  const prepared = await prepareDetached(engine, { id: standIns.id, image, spec }, { ...options, kindOf });
  if (unknown.warned || !canRepeat(prepared)) return undefined;
  const { cgroup, launch } = prepared;
  const key = {
    frontEnd: realpathSync(builtFile('tare-oci')),
    noNewKeyring: request.noNewKeyring,
    console: request.consoleSocket !== undefined,
  };
  const bytes = encodeCreation({
    key,
    text,
    gaps,
    guards: [
      ...hostGuards(engine.cgroups),
      seen(builtFile('oci.cjs')),
      ...kindGuards(spec, kindOf),
      ...homeGuards(engine, written.process, saved.rootfs, root),
      ...controllerGuards(options.cgroups, cgroup),
    ],
    arch: engine.host.arch,
    tareInit: readFileSync(builtFile('tare-init')),
    execFlag: asksForExec(engine.host),
    owner: engine.owner,
    cgroup,
    launch,
    saved: {
      id: standIns.id,
      pid: 0,
      startTime: '0',
      bundle: standIns.bundle,
      rootfs: root,
      created: standIns.created,
      owner: saved.owner,
      ...(cgroup === undefined ? {} : { cgroup: cgroup.path }),
      ...(saved.v1 === undefined ? {} : { v1: cgroup?.v1.map(({ controllers, path }) => ({ controllers, path })) }),
      sharesKeyring: saved.sharesKeyring,
      spec,
    },
  });
  const alike = creationKey(key).length + gaps.reduce((size, gap) => size - (gap.end - gap.at), text.length);
  return () => write(key, bytes, alike);
}

/** Nothing on the way that takes Node. */
function canRepeat({ launch, idMapped, spec }: Prepared): boolean {
  const { createContainer = [], poststop = [] } = spec.hooks ?? {};
  const stops = launch.program.ops.flatMap(({ stop }) => stop ?? []);
  const known = stops.every((stop) => stop === 'start' || stop === 'terminal' || stop === 'hooks');
  return known && !launch.maps && !launch.forks && idMapped.length + createContainer.length + poststop.length === 0;
}

/** Whether a file or a directory is bound decides what is made for it to be bound to. */
function kindGuards({ mounts = [] }: Spec, kindOf: typeof pathKind): Guard[] {
  return mounts.filter(isBind).flatMap(({ source: path = '' }): Guard[] => {
    const expected = kindOf(path);
    return expected === undefined ? [] : [{ kind: 'kind', path, expected }];
  });
}

/** What groups above pass on already nobody asks of them again; those that are made in its time are asked. */
function controllerGuards({ delegated = '/' }: CgroupHost, cgroup: CgroupPlan | undefined): Guard[] {
  if (cgroup === undefined) return [];
  const names = relative(delegated, dirname(cgroup.path)).split('/').filter(Boolean);
  const above = [delegated, ...names.map((_, index) => join(delegated, ...names.slice(0, index + 1)))];
  const known = (group: string): boolean => !hasStandIn(group) && pathKind(group) !== undefined;
  return [
    ...above.filter(known).map((group) => contentOf(`${group}/cgroup.subtree_control`)),
    ...inherits(cgroup).filter(known).flatMap(cpusetGuards),
  ];
}

/** The groups above, the hierarchy's first, of those that are given what these have. */
const inherits = ({ directories }: CgroupPlan): string[] => {
  const given = directories.filter(({ first = [] }) => first.length > 0).map(({ path }) => path);
  return [...new Set(given.map((path) => dirname(path)))];
};

const cpusetGuards = (group: string): Guard[] =>
  ['cpuset.cpus', 'cpuset.mems'].map((file) => contentOf(`${group}/${file}`));

/** In the place of one for the same bundles; else where there is room; else of some other. Whoever reads sees the whole or nothing. */
function write(key: CreationKey, bytes: Buffer, alike: number): void {
  const hash = fnv1a(creationKey(key)).toString(16).padStart(8, '0');
  const draft = `${directory}/${hash}.${process.pid}`;
  const paths = Array.from({ length: most }, (_, index) => `${directory}/${hash}-${index}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(directory);
    if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return;
    const same = paths.find((path) => isFree(path) || startsAlike(readFileSync(path), bytes, alike));
    writeFileSync(draft, bytes, { mode: 0o600, flag: 'wx' });
    renameSync(draft, same ?? paths[Math.floor(Math.random() * most)] ?? draft);
  } catch {
    // The next time it takes Node again.
  }
}

const isFree = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) === undefined;

/** The key and what must stand between the gaps come first. */
const startsAlike = (one: Buffer, other: Buffer, size: number): boolean =>
  one.subarray(headerSize, headerSize + size).equals(other.subarray(headerSize, headerSize + size));
