/** What this kernel and this user are, as far as starting containers depends on it. Probed once per engine; cheap (no process is started). */
import { readFileSync, statSync } from 'node:fs';
import { arch, hostname, release, userInfo } from 'node:os';
import { TareError } from '../errors.ts';
import type { Arch } from './abi.ts';
import { readIdMap, readStatus } from './proc.ts';

/** Consecutive ids, as a line of subuid(5) grants them. */
export interface IdRange {
  readonly start: number;
  readonly size: number;
}

export interface Host {
  readonly arch: Arch;
  /** [6, 1] for Linux 6.1. */
  readonly kernel: readonly [major: number, minor: number];
  readonly hostname: string;
  readonly uid: number;
  readonly gid: number;
  /** Without power over the host: a user namespace must lend it. */
  readonly rootless: boolean;
  /** The highest capability this kernel knows. */
  readonly lastCapability: number;
  /** Bit masks: what this process can do, and what it could pass on. */
  readonly effective: bigint;
  readonly bounding: bigint;
  /** Signals that this process ignores. */
  readonly ignoredSignals: readonly number[];
  /** What subuid(5) and subgid(5) grant this user, where newuidmap(1) and newgidmap(1) are there to use it. */
  readonly subordinate?: {
    readonly uids: readonly IdRange[];
    readonly gids: readonly IdRange[];
    readonly newuidmap: string;
    readonly newgidmap: string;
  };
  /** Filesystems the kernel knows: /proc/filesystems. */
  readonly filesystems: ReadonlySet<string>;
}

const CAP_SYS_ADMIN = 21n;

export function probeHost(): Host {
  const machine = arch();
  if (machine !== 'x64' && machine !== 'arm64') {
    throw new TareError(`run on ${machine}`, { hint: 'tare knows x86-64 and arm64' });
  }
  const status = readStatus();
  const effective = status.capabilities.effective;
  const uid = process.geteuid?.() ?? 0;
  const rootless = uid !== 0 || ((effective >> CAP_SYS_ADMIN) & 1n) === 0n || inUserNamespace();
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  return {
    arch: machine,
    kernel: [major, minor],
    hostname: hostname(),
    uid,
    gid: process.getegid?.() ?? 0,
    rootless,
    lastCapability: Number(read('/proc/sys/kernel/cap_last_cap') ?? 40),
    effective,
    bounding: status.capabilities.bounding,
    ignoredSignals: ignoredSignals(),
    ...(rootless ? { subordinate: subordinateIds(uid) } : {}),
    filesystems: new Set(
      (read('/proc/filesystems') ?? '').split('\n').map((line) => line.replace(/^nodev/, '').trim()),
    ),
  };
}

/** True in a user namespace that is not the machine's first: id maps are then relative to it. */
export function inUserNamespace(): boolean {
  const [first] = readIdMap('self', 'uid');
  return first === undefined || first.size < 2 ** 32 - 1;
}

function ignoredSignals(): number[] {
  const mask = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0'}`);
  return Array.from({ length: 64 }, (_, index) => index + 1).filter(
    (signal) => ((mask >> BigInt(signal - 1)) & 1n) === 1n,
  );
}

function subordinateIds(uid: number): Host['subordinate'] {
  const [newuidmap, newgidmap] = [onPath('newuidmap'), onPath('newgidmap')];
  if (newuidmap === undefined || newgidmap === undefined) return undefined;
  const names = [String(uid), userName()];
  const uids = grantedRanges(read('/etc/subuid') ?? '', names);
  const gids = grantedRanges(read('/etc/subgid') ?? '', names);
  return uids.length === 0 || gids.length === 0 ? undefined : { uids, gids, newuidmap, newgidmap };
}

/** The lines of subuid(5), `name-or-uid:start:count`, that are this user's. */
export function grantedRanges(text: string, names: readonly (string | undefined)[]): IdRange[] {
  return text.split('\n').flatMap((line) => {
    const [name, start, size] = line.split(':');
    return names.includes(name) && start !== undefined && size !== undefined
      ? [{ start: Number(start), size: Number(size) }]
      : [];
  });
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined; // an id without a line in passwd
  }
}

/** Where a shell would find a program, or in the usual places. */
export function onPath(program: string): string | undefined {
  const directories = (process.env.PATH ?? '').split(':').concat('/usr/bin', '/bin', '/usr/sbin', '/sbin');
  return directories.map((directory) => `${directory}/${program}`).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false; // a directory that is not ours to enter: su(1) leaves root's in PATH
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
