/** From a request to all that a launch needs to know: the image, the spec, the facts, the cgroup. Reads the host, changes nothing. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import type { CgroupPlan } from '../cgroup/driver.ts';
import type { V1Group } from '../cgroup/hierarchy.ts';
import { TareError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { lookUpUser } from '../image/users.ts';
import { innerFd } from '../launch/bootstrap.ts';
import { compile } from '../launch/compile.ts';
import { compileExec } from '../launch/enter.ts';
import type { Facts, PathKind } from '../launch/facts.ts';
import { idMapWay } from '../launch/id-maps.ts';
import type { Program } from '../launch/program.ts';
import { capabilityNames } from '../spec/capability-names.ts';
import { specOf } from '../spec/defaults.ts';
import { isBind } from '../spec/mount-options.ts';
import type { RunRequest } from '../spec/request.ts';
import type { RootSource } from '../spec/root-source.ts';
import { resolveSeccomp } from '../spec/seccomp-profile.ts';
import type { DeviceNode, HostLack, ResolvedUser, SpecFacts } from '../spec/spec-facts.ts';
import type { Mount, Seccomp, Spec } from '../spec/spec.ts';
import { bundleSpec } from './bundle.ts';
import { idMappedLayers, idMappedMounts, unreachableMounts } from './id-mapped.ts';
import { type Engine, pathKind } from './engine.ts';
import { findNetDevices } from './net-devices.ts';
import type { DetachedOptions, Prepared, PrepareOptions } from './prepared.ts';
import { refuseMissing } from './refusals.ts';
import { withParts } from './root-parts.ts';

export async function prepare(engine: Engine, request: RunRequest, options: PrepareOptions): Promise<Prepared> {
  const id = request.name ?? madeUpId();
  const image = engine.image(request.image);
  const user = userOf(engine, request, image);
  const key = engine.templates.keyOf(request, user, options);
  const known = key === undefined ? undefined : engine.templates.find(key, id);
  if (known !== undefined) return known;
  const prepared = await prepareAnew(engine, request, { id, image, user }, options);
  if (key === undefined) return prepared;
  const encoded = engine.spawner.encode(prepared.launch.program);
  engine.templates.keep(key, prepared, encoded);
  return { ...prepared, encoded };
}

interface Subject {
  readonly id: string;
  readonly image: Image;
  readonly user: ResolvedUser;
}

async function prepareAnew(
  engine: Engine,
  request: RunRequest,
  { id, image, user }: Subject,
  options: PrepareOptions,
): Promise<Prepared> {
  const spec =
    image.spec === undefined
      ? specOf(request, image.config, specFacts(engine, request, user, id))
      : bundleSpec(image.spec, request);
  refuseMissing(spec);
  const netDevices = findNetDevices(engine, spec);
  const root = rootOf(image, request, spec, engine.host.rootless);
  const idMapped = takenByHost(engine, spec, root);
  const cgroup = await planCgroup(engine, { cgroups: engine.cgroups, driver: engine.cgroupDriver }, id, spec);
  const facts = launchFacts(engine, { request, spec, root, idMapped }, options);
  const v1Groups = v1GroupsAt(innerFd(options.payloadFds, idMapped.length), cgroup?.v1);
  const launch = compile(spec, { ...facts, v1Groups });
  return { id, image, spec, launch, cgroup, idMapped, netDevices };
}

/** Mounts that the host's side takes, for the container's root could not. */
export const takenByHost = ({ host: { rootless } }: Engine, spec: Spec, root: RootSource): readonly Mount[] => [
  ...idMappedMounts(spec),
  ...unreachableMounts(spec, rootless),
  ...idMappedLayers(root, spec, rootless),
];

/** The groups whose open `cgroup.procs` the program finds at `first` and behind it. */
export const v1GroupsAt = (first: number, groups: readonly V1Group[] = []): ReadonlyMap<number, string> =>
  new Map(groups.map(({ path }, index) => [first + index, path]));

export interface ExecOptions extends Pick<PrepareOptions, 'payloadFds'> {
  readonly sharesKeyring: boolean;
  readonly v1: readonly V1Group[];
  /** Its file, if that is not its first word. */
  readonly command?: string;
}

/**
 * Another process for a container that runs: `spec.process` is what it is to be. Its first inner fd is the container's
 * pidfd; what its groups of v1 are joined by follows.
 */
export function prepareExec(
  engine: Engine,
  spec: Spec,
  { payloadFds, sharesKeyring, v1, command }: ExecOptions,
): Program {
  const without = { ...spec, mounts: [] };
  const wanted: Wanted = {
    request: { image: '' },
    spec: without,
    root: { kind: 'directory', path: '/' },
    idMapped: [],
  };
  const how = { payloadFds, waitForStart: false, dieWithParent: false };
  const v1Groups = v1GroupsAt(innerFd(payloadFds, 1), v1);
  return compileExec(without, { ...launchFacts(engine, wanted, how), sharesKeyring, v1Groups }, command);
}

/** Twelve hexadecimal digits, as Docker shows them. */
export const madeUpId = (): string =>
  Math.floor(Math.random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');

function specFacts(engine: Engine, request: RunRequest, user: ResolvedUser, id: string): SpecFacts {
  const { host } = engine;
  return {
    id,
    rootfs: `${engine.scratch}/root`,
    rootless: host.rootless,
    uid: host.uid,
    gid: host.gid,
    hostname: host.hostname,
    user,
    ...(host.subordinate === undefined ? {} : { subordinate: host.subordinate }),
    lacks: lacksOf(engine),
    capabilities: capabilityNames.filter((_, number) => ((host.bounding >> BigInt(number)) & 1n) === 1n),
    devices: devicesOf(request),
    thermalThrottle: engine.thermalThrottle,
    seccomp: (capabilities) => seccompOf(engine, request.seccomp, capabilities),
  };
}

/** Who the request's user is, by the image's own passwd and group. */
export const userOf = (engine: Engine, request: RunRequest, image: Image): ResolvedUser =>
  lookUpUser(request.user ?? image.config.user ?? '', request.groupAdd ?? [], engine.userFiles(image));

function lacksOf({ cgroups, host }: Engine): HostLack[] {
  const lacks: HostLack[] = [];
  const { memory } = cgroups.v1;
  if (memory !== undefined && pathKind(`${memory}/memory.memsw.limit_in_bytes`) === undefined)
    lacks.push('memory.swap');
  if (cgroups.mount === undefined) lacks.push('cgroup2');
  if (!host.filesystems.has('mqueue')) lacks.push('mqueue');
  if (pathKind('/dev/mqueue') === undefined) lacks.push('/dev/mqueue');
  return lacks;
}

/** Devices that the request names; a privileged container gets all there are. */
function devicesOf(request: RunRequest): Map<string, DeviceNode> {
  const named = (request.devices ?? []).map(({ source }) => source);
  const all = request.privileged === true ? deviceNodes('/dev') : [];
  return new Map([...named, ...all].flatMap((path) => deviceAt(path)));
}

function deviceNodes(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return ['pts', 'shm', 'mqueue', 'fd'].includes(entry.name) ? [] : deviceNodes(path);
    return entry.isCharacterDevice() || entry.isBlockDevice() ? [path] : [];
  });
}

function deviceAt(path: string): [string, DeviceNode][] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !(found.isCharacterDevice() || found.isBlockDevice())) return [];
  const type = found.isBlockDevice() ? 'b' : 'c';
  const { rdev, mode, uid, gid } = found;
  // As glibc's gnu_dev_major and gnu_dev_minor unpack st_rdev.
  const major = (rdev >>> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
  return [[path, { type, major, minor, fileMode: mode & 0o777, uid, gid }]];
}

function seccompOf(engine: Engine, choice: string | undefined, capabilities: readonly string[]): Seccomp | undefined {
  if (choice === 'unconfined') return undefined;
  if (choice === undefined || choice === 'default') return engine.defaultSeccomp(capabilities);
  const { arch, kernel } = engine.host;
  return resolveSeccomp(readProfile(choice), { arch, kernel, capabilities });
}

function readProfile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    throw new TareError(`read the seccomp profile ${path}`, {
      errno,
      ...(errno === undefined ? { hint: 'it is not JSON' } : {}),
      cause,
    });
  }
}

export function rootOf(image: Image, { upper }: RunRequest, spec: Spec, rootless: boolean): RootSource {
  const source = image.root.kind === 'overlay' && upper !== undefined ? { ...image.root, upper } : image.root;
  return withParts(source, spec, rootless);
}

interface Wanted {
  readonly request: RunRequest;
  readonly spec: Spec;
  readonly root: RootSource;
  readonly idMapped: readonly Mount[];
}

export function launchFacts(
  engine: Engine,
  { request, spec, root, idMapped }: Wanted,
  options: PrepareOptions,
  kindOf = pathKind,
): Facts {
  const { host } = engine;
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
  const single = uidMappings.length > 0 && idMapWay({ uids: uidMappings, gids: gidMappings }, host) === 'single';
  const seccomp = spec.linux?.seccomp;
  return {
    arch: host.arch,
    lastCapability: host.lastCapability,
    ignoredSignals: host.ignoredSignals,
    root,
    scratch: engine.scratch,
    rootless: host.rootless,
    setgroups: !single,
    paths: new Map([...engine.maskKinds, ...bindSources(spec.mounts ?? [], kindOf)]),
    ...(seccomp === undefined ? {} : { seccomp: engine.seccompFilter(seccomp) }),
    devices: new Map((request.devices ?? []).map(({ target, source }) => [target, source])),
    payloadFds: options.payloadFds,
    idMapped: new Map(idMapped.map(({ destination }, index) => [destination, innerFd(options.payloadFds, index)])),
    waitForStart: options.waitForStart,
    dieWithParent: options.dieWithParent,
    init: request.init === true,
  };
}

function bindSources(mounts: readonly Mount[], kindOf: typeof pathKind): [string, PathKind][] {
  return mounts.flatMap((mount) => {
    const { source } = mount;
    if (!isBind(mount) || source === undefined) return [];
    const doing = `bind ${source} to ${mount.destination}`;
    const kind = seenKind(doing, source, kindOf);
    if (kind === undefined) throw new TareError(doing, { errno: 'ENOENT', hint: 'make it on the host first' });
    return [[source, kind]];
  });
}

function seenKind(doing: string, path: string, kindOf: typeof pathKind): PathKind | undefined {
  try {
    return kindOf(path);
  } catch (cause) {
    throw new TareError(doing, { errno: (cause as NodeJS.ErrnoException).code, cause });
  }
}

export async function planCgroup(
  engine: Engine,
  { cgroups, driver }: Pick<DetachedOptions, 'cgroups' | 'driver'>,
  id: string,
  spec: Spec,
): Promise<CgroupPlan | undefined> {
  const resources = spec.linux?.resources ?? {};
  const { devices, ...limits } = resources;
  return driver.plan(cgroups, {
    id,
    ...(spec.linux?.cgroupsPath === undefined ? {} : { cgroupsPath: spec.linux.cgroupsPath }),
    // Without power over the host no device can be made, nor a program loaded that guards them.
    resources: engine.host.rootless || devices === undefined ? limits : { ...limits, devices },
  });
}
