/** Contradictions: what a request may not ask for together, and what this host or image cannot give it. */
import { capabilityName } from '../capabilities.ts';
import { capabilityNames } from '../capability-names.ts';
import { commandOf } from '../command.ts';
import { idMapProblems, isMapped } from '../id-maps.ts';
import type { ImageConfig } from '../image-config.ts';
import { didYouMean } from '../nearest.ts';
import type { Problem } from '../problem.ts';
import { pointer, problem } from '../problem.ts';
import type { RunRequest } from '../request.ts';
import { rlimitNames } from '../rlimit-names.ts';
import type { Sound } from '../shape.ts';
import { readSize } from '../size.ts';
import type { SpecFacts } from '../spec-facts.ts';
import { sysctlNamespace, sysctlPath } from '../sysctl.ts';
import { idMapsOf } from '../worlds.ts';
import type { Worlds } from '../worlds.ts';
import { named, numbered, repeated } from './check.ts';
import { isBind, optionProblems } from './mounts.ts';
import { namesFit } from './namespaces.ts';

export interface RequestContext {
  readonly image: ImageConfig;
  readonly facts: SpecFacts;
  readonly worlds: Worlds;
}

/** Like `Check`, for a request: pointers lead into the `RunRequest`. */
interface RequestCheck {
  readonly name: string;
  readonly rule: (request: Sound<RunRequest>, context: RequestContext) => Iterable<Problem>;
}

const check = (name: string, rule: RequestCheck['rule']): RequestCheck => ({ name, rule });

const bytes = (size: number | string | undefined): number | undefined =>
  size === undefined ? undefined : readSize(size);

const clash = ({ worlds }: RequestContext, kind: keyof Worlds): string =>
  worlds[kind] === 'host' ? `must not be set in the ${kind} namespace of the host` : '';

export const requestChecks = [
  check('there is a command', function* (request, { image }) {
    const command = commandOf(request, image);
    if (command.length === 0) yield problem('/args', 'must hold a command: the image names none');
    if (command[0] === '') yield problem('/args', 'must name the program to run');
  }),
  check('what is written is either kept or forbidden', function* ({ readOnly, upper }) {
    if (readOnly !== true || upper === undefined) return;
    yield problem('/upper', 'must not be given with readOnly: nothing will be written to keep');
  }),
  check('the root is mounted in a mount namespace of its own', function* (_, { worlds }) {
    if (worlds.mount !== 'host') return;
    yield problem('/namespaces/mount', "must not be host: the container's root would become the host's");
  }),
  check(
    'who joins a mount namespace finds the mounts of others',
    function* ({ mounts = [], upper, readOnly }, { worlds }) {
      if (typeof worlds.mount !== 'object') return;
      const asked = { mounts: mounts.length > 0, upper: upper !== undefined, readOnly: readOnly === true };
      for (const [field, given] of Object.entries(asked)) {
        if (given)
          yield problem(`/${field}`, 'must be left out in a mount namespace that is joined: its mounts are not ours');
      }
    },
  ),
  check('names belong to a UTS namespace and fit uname(2)', function* (request, context) {
    for (const field of ['hostname', 'domainname'] as const) {
      if (request[field] === undefined) continue;
      const shared = clash(context, 'uts');
      if (shared !== '') yield problem(`/${field}`, shared);
      yield* namesFit(request[field], `/${field}`);
    }
  }),
  check('clocks are shifted in a new time namespace (time_namespaces(7))', function* ({ timeOffsets }, { worlds }) {
    if (timeOffsets === undefined || worlds.time === 'new') return;
    yield problem('/timeOffsets', 'needs a new time namespace: leave out namespaces.time');
  }),
  check('sysctls belong to a namespace of the container', function* ({ sysctl }, context) {
    for (const [name] of named(sysctl)) {
      const at = `/sysctl${pointer(name)}`;
      const kind = sysctlNamespace(name);
      if (sysctlPath(name) === undefined) yield problem(at, 'must be a name such as net.ipv4.ip_forward');
      else if (kind === undefined) yield problem(at, 'belongs to no namespace: it would change the whole machine');
      else if (clash(context, kind) !== '') yield problem(at, clash(context, kind));
    }
  }),
  check('who has no privileges over the host needs a user namespace', function* (_, { worlds, facts }) {
    if (!facts.rootless || worlds.user !== 'host') return;
    yield problem('/namespaces/user', 'must not be host without privileges: leave it out, or run as root');
  }),
  check('maps belong to a new user namespace (user_namespaces(7))', function* (request, { worlds }) {
    for (const field of ['uidMappings', 'gidMappings'] as const) {
      if (request[field] === undefined) continue;
      if (worlds.user !== 'new') {
        const why = worlds.user === 'host' ? 'the host has no maps' : 'the one that is joined has its own';
        yield problem(`/${field}`, `needs a new user namespace: ${why}`);
      }
      if (request[field].length === 0) yield problem(`/${field}`, 'must map at least one id');
      yield* idMapProblems(request[field], `/${field}`);
    }
  }),
  check('the user exists in the user namespace', function* (request, { worlds, facts }) {
    const maps = idMapsOf(request, facts, worlds);
    if (maps === undefined || maps.uidMappings.length * maps.gidMappings.length === 0) return;
    const { uid, gid, additionalGids } = facts.user;
    const cure = facts.rootless ? 'it needs subordinate ids (subuid(5)) or maps' : 'map it';
    if (!isMapped(maps.uidMappings, uid)) yield problem('/user', `runs as uid ${uid}, which is not mapped: ${cure}`);
    // Groups that the image gives its user are left out where they do not exist; those that are asked for are not.
    const asked = request.groupAdd === undefined ? [] : additionalGids;
    for (const id of [gid, ...asked]) {
      if (!isMapped(maps.gidMappings, id)) yield problem('/user', `runs with gid ${id}, which is not mapped: ${cure}`);
    }
  }),
  check('limits of memory agree', function* ({ limits = {} }) {
    const memory = bytes(limits.memory);
    const swap = String(limits.memorySwap) === '-1' ? undefined : bytes(limits.memorySwap);
    if (limits.memorySwap !== undefined && limits.memory === undefined) {
      yield problem('/limits/memorySwap', 'needs a limit of memory: it counts memory and swap together');
    }
    if (memory !== undefined && swap !== undefined && swap < memory) {
      const got = `must be at least the ${limits.memory} of memory, not ${limits.memorySwap}`;
      yield problem('/limits/memorySwap', `${got}: it counts memory and swap together`);
    }
    for (const field of ['memoryReservation', 'memoryHigh'] as const) {
      const soft = bytes(limits[field]);
      if (memory === undefined || soft === undefined || soft <= memory) continue;
      yield problem(`/limits/${field}`, `must be at most the ${limits.memory} of memory, not ${limits[field]}`);
    }
  }),
  check('limits of CPU time agree', function* ({ limits = {} }) {
    const { cpus, cpuBurst, cpuIdle, cpuWeight } = limits;
    if (cpuBurst !== undefined && cpus === undefined) {
      yield problem('/limits/cpuBurst', 'needs cpus: without a limit there is nothing to save up');
    }
    if (cpuBurst !== undefined && cpus !== undefined && cpuBurst > cpus * 100_000) {
      yield problem('/limits/cpuBurst', `must be at most what ${cpus} CPUs give in 100000 microseconds`);
    }
    if (cpuIdle === true && cpuWeight !== undefined) {
      yield problem('/limits/cpuWeight', 'must not be given with cpuIdle, which is the least weight there is');
    }
  }),
  check('ulimits are known, set once, and soft ones are at most hard ones (getrlimit(2))', function* ({ ulimits }) {
    const names = rlimitNames.map((name) => name.slice('RLIMIT_'.length).toLowerCase());
    const value = (limit: number | 'unlimited' | undefined): number =>
      limit === 'unlimited' ? Infinity : (limit ?? 0);
    for (const [index, { name, soft, hard }] of numbered(ulimits)) {
      if (name !== undefined && !names.includes(name)) {
        yield problem(
          `/ulimits/${index}/name`,
          `must be a limit of getrlimit(2), not '${name}'${didYouMean(name, names)}`,
        );
      }
      if (soft === undefined || hard === undefined || value(soft) <= value(hard)) continue;
      yield problem(`/ulimits/${index}/soft`, `must not be above the hard limit of ${hard}`);
    }
    for (const [index, { name }] of repeated(ulimits, (ulimit) => ulimit.name)) {
      yield problem(`/ulimits/${index}`, `must not set ${name} again`);
    }
  }),
  check('capabilities are known, and either added or dropped', function* ({ capAdd, capDrop }) {
    const known: readonly string[] = ['ALL', ...capabilityNames];
    const added = new Set([...numbered(capAdd)].map(([, word]) => capabilityName(word)));
    for (const [field, words] of Object.entries({ capAdd, capDrop })) {
      for (const [index, word] of numbered(words)) {
        const name = capabilityName(word);
        const at = `/${field}/${index}`;
        if (!known.includes(name)) yield problem(at, `must be a capability, not '${word}'${didYouMean(name, known)}`);
        else if (field === 'capDrop' && added.has(name)) yield problem(at, `must not drop ${name}, which is added too`);
      }
    }
  }),
  check('mounts have places and sources of their own', function* ({ mounts }, { worlds }) {
    for (const [index, mount] of numbered(mounts)) {
      const { type, source } = mount;
      const at = `/mounts/${index}`;
      yield* optionProblems(mount, at, worlds.user === 'new');
      if (type === 'bind' && source === undefined) yield problem(`${at}/source`, 'must be given: it is what is shown');
      if (type === 'tmpfs' && source !== undefined) yield problem(`${at}/source`, 'must be left out: a tmpfs is empty');
      if (type === 'tmpfs' && isBind(mount)) yield problem(`${at}/options`, 'must not hold bind: a tmpfs is empty');
      if (type === 'volume') {
        yield problem(`${at}/type`, 'must be bind or tmpfs: tare keeps no volumes, give a directory of the host');
      }
    }
    for (const [index, { target }] of repeated(mounts, (mount) => mount.target)) {
      yield problem(`/mounts/${index}/target`, `must not be ${target}, where an earlier one is mounted`);
    }
  }),
  check('devices are there and lie at places of their own', function* ({ devices }, { facts }) {
    for (const [index, { source }] of numbered(devices)) {
      if (source === undefined || facts.devices?.has(source) === true) continue;
      yield problem(`/devices/${index}/source`, `must be a device of the host: ${source} is none`);
    }
    for (const [index, { target }] of repeated(devices, (device) => device.target)) {
      yield problem(`/devices/${index}/target`, `must not be ${target}, where an earlier one lies`);
    }
  }),
];
