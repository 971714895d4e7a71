/** A container's request → what runs in a guest that has the machine to itself: the same spec, the same program, fewer walls. Pure. */
import { compile, type Launch } from '../launch/compile.ts';
import type { SeccompFilter } from '../launch/facts.ts';
import type { Arch } from '../linux/abi.ts';
import { specOf } from '../spec/defaults.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import { isBind } from '../spec/mount-options.ts';
import type { NamespaceChoice, NamespaceKind, RunRequest } from '../spec/request.ts';
import type { ResolvedUser } from '../spec/spec-facts.ts';
import type { Mount, Seccomp, Spec } from '../spec/spec.ts';
import { dataDirectory, imageDirectory, resolvConf, scratchDirectory } from './guest-program.ts';

/** The machine is the wall. Mounts, shared memory and a name are not: the guest has none of its own to give. */
const worlds: Readonly<Record<NamespaceKind, NamespaceChoice>> = {
  mount: 'new',
  ipc: 'new',
  uts: 'new',
  pid: 'host',
  network: 'host',
  cgroup: 'host',
  user: 'host',
  time: 'host',
};

/** What must be known of the guest and the image. */
export interface PayloadFacts {
  readonly id: string;
  readonly arch: Arch;
  /** Of the guest's kernel: /proc/sys/kernel/cap_last_cap. */
  readonly lastCapability: number;
  readonly user: ResolvedUser;
  /** Where in the guest a directory or file of the host is found, by its path on the host. */
  readonly volumes: ReadonlyMap<string, Volume>;
  /** Of the machine. */
  readonly network: 'none' | 'user';
  /** Where the payload is to find the disk that it writes to. */
  readonly data?: string;
  /** The profile that the request asks for, given the bounding set, and its filter for the guest's kernel. */
  readonly seccomp?: (capabilities: readonly string[]) => Seccomp | undefined;
  readonly seccompFilter?: (profile: Seccomp) => SeccompFilter;
}

export interface Volume {
  /** In the guest. */
  readonly path: string;
  readonly kind: 'file' | 'directory';
}

export interface Payload {
  readonly spec: Spec;
  readonly launch: Launch;
}

/**
 * The payload's spec and program.
 *
 * @throws SpecError with every problem of the request; TareError for a source of a bind mount that no volume brings
 */
export function compilePayload(request: RunRequest, config: ImageConfig, facts: PayloadFacts): Payload {
  const spec = inGuest(specOf({ ...request, namespaces: worlds }, config, specFacts(facts)), facts);
  const seccomp = spec.linux?.seccomp;
  const filter = seccomp === undefined ? undefined : facts.seccompFilter?.(seccomp);
  const launch = compile(spec, {
    arch: facts.arch,
    lastCapability: facts.lastCapability,
    ignoredSignals: [],
    root: { kind: 'overlay', lower: [imageDirectory] },
    scratch: scratchDirectory,
    rootless: false,
    setgroups: true,
    paths: new Map([
      [resolvConf, 'file'],
      [dataDirectory, 'directory'],
      ...[...facts.volumes.values()].map(({ path, kind }) => [path, kind] as const),
    ]),
    ...(filter && { seccomp: filter }),
    payloadFds: 3,
    idMapped: new Map(),
    waitForStart: false,
    dieWithParent: false,
    // tare-guest reaps, and passes signals on.
    init: false,
  });
  return { spec, launch };
}

function specFacts({ id, user, seccomp }: PayloadFacts) {
  return {
    id,
    rootfs: `${scratchDirectory}/root`,
    rootless: false,
    uid: 0,
    gid: 0,
    hostname: id,
    user,
    ...(seccomp && { seccomp }),
  };
}

/** Names are resolved by the machine's network, whatever the image says. */
const resolver: Mount = {
  destination: '/etc/resolv.conf',
  type: 'bind',
  source: resolvConf,
  options: ['bind', 'rprivate', 'ro', 'nosuid', 'nodev', 'noexec'],
};

const diskAt = (destination: string): Mount => ({
  destination,
  type: 'bind',
  source: dataDirectory,
  options: ['bind', 'rprivate', 'nosuid', 'nodev'],
});

/** What limits a container limits the machine: nothing is left of it inside. */
function inGuest(spec: Spec, { volumes, network, data }: PayloadFacts): Spec {
  const { resources: _, cgroupsPath: __, ...linux } = spec.linux ?? {};
  const mounts = (spec.mounts ?? []).map((mount) => {
    const { source } = mount;
    const volume = source === undefined || !isBind(mount) ? undefined : volumes.get(source);
    return volume === undefined ? mount : { ...mount, source: volume.path };
  });
  const own = mounts.some(({ destination }) => destination === '/etc/resolv.conf');
  const more = [...(network === 'user' && !own ? [resolver] : []), ...(data === undefined ? [] : [diskAt(data)])];
  return { ...spec, mounts: [...mounts, ...more], linux };
}
