/** Who the payload is and what it may do: credentials(7), capabilities(7), getrlimit(2), seccomp(2). */
import { AT_FDCWD, flags, KEYCTL, named, PR, PR_CAP_AMBIENT, SECCOMP } from '../linux/flags.ts';
import { capabilityNames } from '../spec/capability-names.ts';
import { isMapped } from '../spec/id-maps.ts';
import type { IdMap } from '../spec/request.ts';
import type { Rlimit } from '../spec/spec.ts';
import { type Cell, cell, data, type ProgramBuilder } from './program.ts';
import { sendFd } from './parent.ts';
import { namespaceOf } from '../spec/checks/check.ts';
import { octal, type Stage, writeFile } from './stage.ts';

/** Who the payload is, from the keyring to its privileges. */
export function takeIdentity(stage: Stage): void {
  stage.b.stage('identity');
  joinKeyring(stage);
  setPersonality(stage);
  setLimits(stage);
  boundCapabilities(stage);
  // Without no-new-privileges only CAP_SYS_ADMIN may load a filter, so it is loaded while that is still there.
  if (!loadsLate(stage)) loadSeccomp(stage);
  becomeUser(stage);
  limitCapabilities(stage);
  forbidNewPrivileges(stage);
}

/** With no-new-privileges anybody may load one, and the later it is, the less it has to let through. */
const loadsLate = ({ spec }: Stage): boolean => spec.process.noNewPrivileges === true;

export function loadLateSeccomp(stage: Stage): void {
  if (loadsLate(stage)) loadSeccomp(stage);
}

/** Root where it is mapped, else who is: of a namespace that is joined nothing else is known. */
const leader = (maps: readonly IdMap[]): number => (isMapped(maps, 0) ? 0 : (maps[0]?.containerID ?? 0));

/** Nobody has an id in a user namespace until its maps are written, nor then, unless the own one is mapped: user_namespaces(7). */
export function becomeRoot({ b, spec, facts }: Stage): void {
  const options = setgroupsOptions(spec);
  if (facts.setgroups) b.op('leave the groups of the host', 'setgroups', [0, 0], options);
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
  const [uid, gid] = [leader(uidMappings), leader(gidMappings)];
  b.op(`become the ${gid === 0 ? 'root group' : `group ${gid}`} of the user namespace`, 'setresgid', [gid, gid, gid]);
  b.op(`become the ${uid === 0 ? 'root user' : `user ${uid}`} of the user namespace`, 'setresuid', [uid, uid, uid]);
}

/** As include/uapi/asm-generic/resource.h numbers them. */
const resources = [
  'CPU', 'FSIZE', 'DATA', 'STACK', 'CORE', 'RSS', 'NPROC', 'NOFILE',
  'MEMLOCK', 'AS', 'LOCKS', 'SIGPENDING', 'MSGQUEUE', 'NICE', 'RTPRIO', 'RTTIME',
]; // prettier-ignore

function setLimits({ b, spec }: Stage): void {
  for (const limit of spec.process.rlimits ?? []) {
    const number = resources.indexOf(limit.type.replace('RLIMIT_', ''));
    b.op(
      `limit ${limit.type} to ${shown(limit.soft)}:${shown(limit.hard)}`,
      'prlimit64',
      [0, named(number, limit.type), rlimit(limit), 0],
      {
        hints: {
          EPERM: 'raising a hard limit above our own needs CAP_SYS_RESOURCE',
          EINVAL: 'the soft limit is above the hard one',
        },
      },
    );
  }
}

const rlimit = ({ soft, hard }: Rlimit) =>
  data(`{soft: ${shown(soft)}, hard: ${shown(hard)}}`, [{ u64: clamp(soft) }, { u64: clamp(hard) }]);

const infinity = (1n << 64n) - 1n;

/** JSON has rounded 2^64 - 1, RLIM_INFINITY, up. */
function clamp(value: number | bigint): bigint {
  const exact = BigInt(value);
  return exact > infinity ? infinity : exact;
}

const shown = (limit: number): string => (clamp(limit) === infinity ? 'unlimited' : String(limit));

/** Keys of the caller's session stay the caller's: keyrings(7). */
function joinKeyring({ b, facts }: Stage): void {
  if (facts.sharesKeyring === true) return;
  b.op('start a session keyring of its own', 'keyctl', [flags(KEYCTL, 'JOIN_SESSION_KEYRING'), 0, 0, 0, 0], {
    // A kernel without keys has none to leak; an ordinary user may have spent the quota, and then keeps the user keyring's view.
    allow: ['ENOSYS', 'EDQUOT'],
  });
}

function setPersonality({ b, spec }: Stage): void {
  const personality = spec.linux?.personality;
  if (personality === undefined) return;
  const domain = personality.domain === 'LINUX32' ? named(8, 'PER_LINUX32') : named(0, 'PER_LINUX');
  b.op(`set the personality to ${personality.domain}`, 'personality', [domain]);
}

/** The label that execve takes on. */
export function setLabels({ b, spec }: Stage, proc: Cell | undefined): void {
  const { apparmorProfile, selinuxLabel } = spec.process;
  const from = proc ?? AT_FDCWD;
  const path = (name: string) => (proc === undefined ? `/proc/self/attr/${name}` : `self/attr/${name}`);
  const hints = { ENOENT: 'no such profile is loaded', EINVAL: 'the kernel does not know this label' };
  if (apparmorProfile !== undefined && apparmorProfile !== '')
    writeFile(
      b,
      `confine it by AppArmor's ${apparmorProfile}`,
      from,
      path('apparmor/exec'),
      `exec ${apparmorProfile}`,
      hints,
    );
  if (selinuxLabel !== undefined && selinuxLabel !== '')
    writeFile(b, `label it ${selinuxLabel}`, from, path('exec'), selinuxLabel, hints);
}

function forbidNewPrivileges({ b, spec }: Stage): void {
  if (spec.process.noNewPrivileges === true)
    b.op('let no execve grant more', 'prctl', [flags(PR, 'SET_NO_NEW_PRIVS'), 1, 0, 0, 0]);
}

/** From here on the filter decides about every call that this program itself still makes. */
function loadSeccomp(stage: Stage): void {
  const { b, facts } = stage;
  const filter = facts.seccomp;
  if (filter === undefined) return;
  const count = filter.bpf.length / 8;
  const code = data(`{${count} instructions}`, [{ bytes: filter.bpf }]);
  const program = data(`{len: ${count}, filter}`, [{ u16: count }, { bytes: new Uint8Array(6) }, { address: code }]);
  const listener = cell('listener');
  const bits = named(filter.flags, filter.flags === 0 ? '0' : `0x${filter.flags.toString(16)}`);
  b.op('filter its system calls', 'seccomp', [flags(SECCOMP, 'SET_MODE_FILTER'), bits, program], {
    hints: {
      EINVAL: 'this kernel does not know an action or flag of the profile',
      EACCES: 'needs CAP_SYS_ADMIN or no-new-privileges',
    },
    ...(filter.notify ? { into: listener } : {}),
  });
  if (!filter.notify) return;
  sendFd(stage, 'seccomp', 'hand the seccomp listener over', listener);
  // Whoever waits for the listener's answer must not be the one that keeps it alive.
  b.op('let go of the listener', 'close', [listener]);
}

/** A user namespace that is joined may have given setgroups(2) up: user_namespaces(7). */
const setgroupsOptions = (spec: Stage['spec']): { allow?: readonly ['EPERM'] } =>
  namespaceOf(spec, 'user')?.path === undefined ? {} : { allow: ['EPERM'] };

/** Capabilities survive a change of user only if asked to; the sets are narrowed at the end. */
function becomeUser({ b, spec, facts }: Stage): void {
  const { uid, gid, additionalGids = [], umask } = spec.process.user;
  const keeps = uid !== 0 && spec.process.capabilities !== undefined;
  if (keeps) b.op('keep capabilities while the user changes', 'prctl', [flags(PR, 'SET_KEEPCAPS'), 1, 0, 0, 0]);
  if (facts.setgroups) {
    const list = data(
      `[${additionalGids.join(', ')}]`,
      additionalGids.map((group) => ({ u32: group })),
    );
    const options = additionalGids.length === 0 ? setgroupsOptions(spec) : {};
    b.op('set the supplementary groups', 'setgroups', [additionalGids.length, list], options);
  }
  const ids = { EINVAL: 'this id is not mapped in the user namespace' };
  b.op(`become group ${gid}`, 'setresgid', [gid, gid, gid], { hints: ids });
  b.op(`become user ${uid}`, 'setresuid', [uid, uid, uid], { hints: ids });
  if (keeps) b.op('capabilities follow the rules again', 'prctl', [flags(PR, 'SET_KEEPCAPS'), 0, 0, 0, 0]);
  b.op(`set the umask to ${octal(umask ?? 0o22).text}`, 'umask', [octal(umask ?? 0o22)]);
}

const dropFromBounding = flags(PR, 'CAPBSET_DROP');

function boundCapabilities({ b, spec, facts }: Stage): void {
  const keep = new Set(spec.process.capabilities?.bounding?.map(capabilityNumber));
  if (spec.process.capabilities === undefined) return;
  for (let capability = 0; capability <= facts.lastCapability; capability += 1) {
    if (keep.has(capability)) continue;
    const name = named(capability, capabilityNames[capability] ?? String(capability));
    b.op(`give up ${name.text} for good`, 'prctl', [dropFromBounding, name, 0, 0, 0]);
  }
}

function limitCapabilities({ b, spec }: Stage): void {
  const { capabilities } = spec.process;
  if (capabilities === undefined) return;
  const numbers = (names: readonly string[] = []) => names.map(capabilityNumber);
  setCapabilities(b, 'keep only the capabilities that were granted', {
    effective: numbers(capabilities.effective),
    permitted: numbers(capabilities.permitted),
    inheritable: numbers(capabilities.inheritable),
  });
  b.op('clear the ambient set', 'prctl', [flags(PR, 'CAP_AMBIENT'), flags(PR_CAP_AMBIENT, 'CLEAR_ALL'), 0, 0, 0]);
  for (const name of capabilities.ambient ?? []) {
    const number = named(capabilityNumber(name), name);
    b.op(`make ${name} ambient`, 'prctl', [flags(PR, 'CAP_AMBIENT'), flags(PR_CAP_AMBIENT, 'RAISE'), number, 0, 0], {
      hints: { EPERM: 'an ambient capability must be permitted and inheritable too' },
    });
  }
}

const capabilityNumber = (name: string): number => (capabilityNames as readonly string[]).indexOf(name);

export interface CapabilitySets {
  readonly effective: readonly number[];
  readonly permitted: readonly number[];
  readonly inheritable: readonly number[];
}

/** capset(2), version 3: two words of 32 capabilities for each set. */
export function setCapabilities(b: ProgramBuilder, why: string, sets: CapabilitySets): void {
  const header = data('{version: 3, pid: 0}', [{ u32: 0x20080522 }, { u32: 0 }]);
  const mask = (numbers: readonly number[]) => numbers.reduce((bits, number) => bits | (1n << BigInt(number)), 0n);
  const [effective, permitted, inheritable] = [mask(sets.effective), mask(sets.permitted), mask(sets.inheritable)];
  const word = (bits: bigint, index: bigint) => ({ u32: Number((bits >> (32n * index)) & 0xffffffffn) });
  const words = [0n, 1n].flatMap((index) => [word(effective, index), word(permitted, index), word(inheritable, index)]);
  const hex = (bits: bigint) => `0x${bits.toString(16)}`;
  const shown = `{effective: ${hex(effective)}, permitted: ${hex(permitted)}, inheritable: ${hex(inheritable)}}`;
  b.op(why, 'capset', [header, data(shown, words)], {
    hints: { EPERM: 'a capability that this process does not have cannot be granted' },
  });
}
