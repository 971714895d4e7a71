/**
 * From what a user asks for to a whole spec: Docker's defaults wherever the user and the image say nothing.
 *
 * One of Docker's that may surprise: `noNewPrivileges` is off, because images rely on set-uid programs such as sudo.
 * They gain no more than the bounding set; whoever needs none of them turns it on.
 */
import { boundingSet, capabilitiesOf } from './capabilities.ts';
import type { RequestContext } from './checks/request.ts';
import { requestChecks } from './checks/request.ts';
import { commandOf, directoryOf, environmentOf } from './command.ts';
import { allDeviceRules, defaultDeviceRules, hostDevices, requestedDevices } from './default-devices.ts';
import { mountsOf } from './default-mounts.ts';
import { maskedPaths, readonlyPaths } from './default-paths.ts';
import { isMapped } from './id-maps.ts';
import type { ImageConfig } from './image-config.ts';
import { resourcesOf } from './limits.ts';
import { parseMountOptions } from './mount-options.ts';
import { SpecError } from './problem.ts';
import type { Problem } from './problem.ts';
import type { RunRequest, Ulimit } from './request.ts';
import type { Resources } from './resources.ts';
import { runRequest } from './shapes/request.ts';
import type { HostLack, SpecFacts } from './spec-facts.ts';
import { UINT64_MAX } from './spec.ts';
import type { Linux, Mount, Process, Rlimit, Spec } from './spec.ts';
import { chooseWorlds, idMapsOf, namespacesOf } from './worlds.ts';
import type { IdMaps, Worlds } from './worlds.ts';

/** Of the runtime-spec that the specs we write comply with. */
export const specVersion = '1.3.0';

/** Docker's, through runc: who may write to a file is never left to chance. */
const defaultUmask = 0o022;

/** Everything that is wrong with a request, for one image and on one host. */
export function requestProblems(request: unknown, image: ImageConfig, facts: SpecFacts): Problem[] {
  const problems: Problem[] = [];
  const sound = runRequest(request, '', (found) => problems.push(found));
  if (sound === undefined) return problems;
  const context: RequestContext = { image, facts, worlds: chooseWorlds(sound, facts) };
  return [...problems, ...requestChecks.flatMap(({ rule }) => [...rule(sound, context)])];
}

/**
 * The spec of a container.
 * @throws SpecError with every problem and contradiction of the request, as JSON pointers into it
 */
export function specOf(request: RunRequest, image: ImageConfig, facts: SpecFacts): Spec {
  const problems = requestProblems(request, image, facts);
  if (problems.length > 0) throw new SpecError('check the request', problems);

  const worlds = chooseWorlds(request, facts);
  const bounding = boundingSet(request, facts);
  const linux = linuxOf(request, facts, worlds);
  const privileged = request.privileged === true;
  const maps = idMapsOf(request, facts, worlds);
  const mounts = mountsOf(request.mounts ?? [], { worlds, privileged, facts, maps });
  const hostname = hostnameOf(request, facts, worlds);
  return {
    ociVersion: specVersion,
    root: { path: facts.rootfs, readonly: request.readOnly === true },
    ...(hostname !== undefined && { hostname }),
    ...(request.domainname !== undefined && { domainname: request.domainname }),
    process: processOf(request, image, facts, { bounding, hostname: hostname ?? facts.hostname, maps }),
    mounts,
    ...(request.annotations !== undefined && { annotations: { ...request.annotations } }),
    linux: {
      ...linux,
      ...rootfsPropagationOf(mounts),
      ...seccompOf(request, facts, bounding),
    },
  };
}

/** A container of its own network is a host of its own; with the host's network it answers to the host's name. */
function hostnameOf({ hostname }: RunRequest, facts: SpecFacts, worlds: Worlds): string | undefined {
  if (hostname !== undefined) return hostname;
  if (worlds.uts !== 'new') return undefined;
  return worlds.network === 'host' ? facts.hostname : facts.id;
}

function rlimitOf({ name, soft, hard }: Ulimit): Rlimit {
  const value = (limit: number | 'unlimited'): number => (limit === 'unlimited' ? UINT64_MAX : limit);
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: value(soft), hard: value(hard) };
}

function processOf(
  request: RunRequest,
  image: ImageConfig,
  facts: SpecFacts,
  { bounding, hostname, maps }: { bounding: readonly string[]; hostname: string; maps: IdMaps | undefined },
): Process {
  const { uid, gid } = facts.user;
  const additionalGids = facts.user.additionalGids.filter(
    (group) => maps === undefined || isMapped(maps.gidMappings, group),
  );
  return {
    terminal: request.terminal === true,
    ...(request.consoleSize !== undefined && { consoleSize: { ...request.consoleSize } }),
    user: { uid, gid, umask: request.umask ?? defaultUmask, additionalGids },
    args: commandOf(request, image),
    env: environmentOf(request, image, facts.user, hostname),
    cwd: directoryOf(request, image),
    capabilities: capabilitiesOf(bounding, uid),
    ...(request.ulimits !== undefined && { rlimits: request.ulimits.map(rlimitOf) }),
    noNewPrivileges: request.noNewPrivileges === true,
    ...(request.apparmor !== undefined && { apparmorProfile: request.apparmor }),
    ...(request.selinux !== undefined && { selinuxLabel: request.selinux }),
    ...(request.oomScoreAdj !== undefined && { oomScoreAdj: request.oomScoreAdj }),
  };
}

/** In a network namespace of its own it is harmless that everyone may ping, and listen on ports below 1024. */
function networkSysctls(facts: SpecFacts, worlds: Worlds): Record<string, string> {
  if (worlds.network !== 'new') return {};
  const sysctls: Partial<Record<HostLack, string>> = { 'net.ipv4.ip_unprivileged_port_start': '0' };
  // A range of groups, not all of which exist in a user namespace.
  if (worlds.user === 'host') sysctls['net.ipv4.ping_group_range'] = '0 2147483647';
  for (const lack of facts.lacks ?? []) delete sysctls[lack];
  return sysctls;
}

function linuxOf(request: RunRequest, facts: SpecFacts, worlds: Worlds): Linux {
  const { timeOffsets: offsets, privileged = false } = request;
  const unmasked = privileged || request.systemPaths === 'unconfined';
  const sysctl = { ...networkSysctls(facts, worlds), ...request.sysctl };
  const { devices, resources } = devicesAndResources(request, facts);
  return {
    namespaces: namespacesOf(worlds),
    ...idMapsOf(request, facts, worlds),
    ...(offsets !== undefined && {
      timeOffsets: {
        ...(offsets.monotonic !== undefined && { monotonic: { secs: offsets.monotonic } }),
        ...(offsets.boottime !== undefined && { boottime: { secs: offsets.boottime } }),
      },
    }),
    ...(devices.length > 0 && { devices }),
    cgroupsPath: request.name ?? facts.id,
    ...(Object.keys(resources).length > 0 && { resources }),
    ...(Object.keys(sysctl).length > 0 && { sysctl }),
    maskedPaths: unmasked ? [] : [...maskedPaths, ...(facts.thermalThrottle ?? [])],
    readonlyPaths: unmasked ? [] : [...readonlyPaths],
  };
}

function devicesAndResources(request: RunRequest, facts: SpecFacts) {
  const privileged = request.privileged === true;
  const asked = requestedDevices(request.devices ?? [], facts);
  const rules = privileged ? allDeviceRules : [...defaultDeviceRules, ...asked.rules];
  const places = new Set(asked.devices.map(({ path }) => path));
  const others = privileged ? hostDevices(facts).filter(({ path }) => !places.has(path)) : [];
  const resources: Resources = {
    // Only root may attach the program that rules become, and without root there are no nodes to guard against.
    ...(!facts.rootless && { devices: [...rules] }),
    ...resourcesOf(request.limits ?? {}, facts.lacks?.includes('memory.swap') !== true),
  };
  return { devices: [...others, ...asked.devices], resources };
}

/** Mounts can pass on what happens on the host only if the root does. */
function rootfsPropagationOf(mounts: readonly Mount[]): Pick<Linux, 'rootfsPropagation'> {
  const all = mounts.flatMap(({ options = [] }) => parseMountOptions(options).propagation);
  if (all.some((each) => each === 'shared' || each === 'rshared')) return { rootfsPropagation: 'shared' };
  return all.some((each) => each === 'slave' || each === 'rslave') ? { rootfsPropagation: 'slave' } : {};
}

/** A privileged container has no filter unless it asks for one by path. */
function seccompOf(request: RunRequest, facts: SpecFacts, bounding: readonly string[]): Pick<Linux, 'seccomp'> {
  const { seccomp = 'default', privileged = false } = request;
  if (seccomp === 'unconfined' || (privileged && seccomp === 'default')) return {};
  const profile = facts.seccomp?.(bounding);
  return profile === undefined ? {} : { seccomp: profile };
}
