/**
 * A launch as the record of native/record.h: what tare-replay does again without Node. Pure.
 *
 * All that has been decided is in its programs: TypeScript compiled them once, and C interprets them as ever. What still
 * differs from one time to the next is written over the bytes: the id, the owner, the words of the command.
 */
import type { CgroupPlan } from '../cgroup/driver.ts';
import type { Arch } from '../linux/abi.ts';
import { AT, AT_FDCWD, flags, type Named, O } from '../linux/flags.ts';
import { Blob, spanWords } from './blob.ts';
import { bootstrap } from './bootstrap.ts';
import { compileCgroup } from './cgroup.ts';
import { type Encoded, encode } from './encode.ts';
import type { PathKind } from './facts.ts';
import { type Cell, type Op, type Program, ProgramBuilder } from './program.ts';
import { pack } from './spawn-request.ts';
import { sealTareInit } from './tare-init.ts';

/** What was seen of this host, to be seen again before the record is believed. */
export type Guard =
  /** A whole file, or these lines of one, each ended by a newline. */
  | { readonly kind: 'text' | 'lines'; readonly path: string; readonly expected: string }
  /** Where a symbolic link leads. */
  | { readonly kind: 'link'; readonly path: string; readonly expected: string }
  /** A file as lstat(2) knows it; `undefined` where there is none. */
  | { readonly kind: 'file'; readonly path: string; readonly expected: Sight | undefined }
  /** Whether a path leads to a directory. */
  | { readonly kind: 'kind'; readonly path: string; readonly expected: PathKind };

/** Tells a file from every other and from itself before a change; `changed` is ctime in ns. */
export interface Sight {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly changed: bigint;
}

/** How the command line names the command, if it does: by a name that is looked for in PATH, or by a path. */
export type CommandKind = 'image' | 'name' | 'path';

export interface RecordKey {
  /** Path of the tare-replay that is to read it. */
  readonly replay: string;
  /** Of the command line, from `run` up to and including the image. */
  readonly words: readonly string[];
  readonly command: CommandKind;
}

export interface Recorded {
  readonly key: RecordKey;
  readonly guards: readonly Guard[];
  readonly arch: Arch;
  /** Digits that stand in the programs wherever the id does. */
  readonly id: string;
  /** The owner's namespaces: see container/owner.ts. */
  readonly world: string;
  readonly tareInit: Uint8Array;
  /** Whether an executable memfd has to be asked for by name. */
  readonly execFlag: boolean;
  readonly cgroup: CgroupPlan | undefined;
  readonly cloneFlags: Named;
  readonly program: Program;
  readonly encoded: Encoded;
  /** Standard input is passed on. */
  readonly interactive: boolean;
  /** What to say where `memory.events` of the cgroup counts a victim of the OOM killer. */
  readonly oom: string | undefined;
}

/** fds above what a program is likely to have been given. */
const fds = { tareInit: 200, null: 201, cgroup: 202 };

/** A program that has opened something, and where. */
export interface Placed {
  readonly program: Program;
  readonly fds: { readonly tareInit: number; readonly null: number };
}

/** `OWNER_LENGTH`. Nothing else in a program looks like this. */
const owner = '~'.repeat(64);

const magic = 0x31524554;
const headerSize = 88;
const guardKinds = { text: 1, lines: 2, link: 3, file: 4, kind: 5 } as const;
const commandKinds = { image: 'i', name: 'n', path: 'p' } as const;

export const recordKey = ({ replay, words, command }: RecordKey): Buffer =>
  Buffer.from(`${[replay, ...words].map((word) => `${word}\0`).join('')}${commandKinds[command]}`);

/** tare-init and /dev/null, at the numbers that the bootstrap expects. */
export function compileStreams({ tareInit, execFlag }: Pick<Recorded, 'tareInit' | 'execFlag'>): Placed {
  const b = new ProgramBuilder().stage('tare-init');
  putInPlace(b, sealTareInit(b, tareInit, execFlag), fds.tareInit);
  b.stage('streams');
  const open = [AT_FDCWD, '/dev/null', flags(O, 'RDWR', 'CLOEXEC'), 0];
  putInPlace(b, b.result('null', 'open /dev/null', 'openat', open), fds.null);
  return { program: { ops: b.ops }, fds };
}

/** All that comes before the child: the streams, and the cgroup. */
export function compileSetup(recorded: Recorded): Program {
  const streams = compileStreams(recorded).program;
  if (recorded.cgroup === undefined) return streams;
  const { program, cgroup } = compileCgroup(recorded.cgroup, { owner });
  const b = new ProgramBuilder().stage('cgroup');
  putInPlace(b, cgroup, fds.cgroup);
  return { ops: [...streams.ops, ...program.ops, ...b.ops] };
}

export const putInPlace = (b: ProgramBuilder, from: Cell, to: number): void =>
  b.op(`put it in place as fd ${to}`, 'dup3', [from, to, flags(O, 'CLOEXEC')]);

/** When all has ended. It may be run again until it succeeds. */
export function compileCleanup({ cgroup }: Recorded): Program {
  const b = new ProgramBuilder().stage('cleanup');
  if (cgroup !== undefined) {
    b.op(`remove the cgroup ${cgroup.path}`, 'unlinkat', [AT_FDCWD, cgroup.path, flags(AT, 'REMOVEDIR')], {
      allow: ['ENOENT'],
    });
  }
  return { ops: b.ops };
}

export function encodeRecord(recorded: Recorded): Buffer {
  const file = new Blob(headerSize);
  const { arch, key, encoded, cgroup } = recorded;
  const keyAt = file.add(recordKey(key));
  const guardsAt = file.add(guardTable(file, recorded.guards), 8);
  const setupAt = file.add(encode(compileSetup(recorded), { arch }).bytes, 16);
  const boot = bootstrap({
    tareInit: fds.tareInit,
    fds: [recorded.interactive ? 0 : fds.null, 1, 2],
    inner: [],
    newUser: false,
    lastCapability: 0,
  });
  const { cloneFlags } = recorded;
  const request = { cloneFlags, ...(cgroup === undefined ? {} : { cgroup: fds.cgroup }) };
  const spawnAt = file.add(pack(0, request, { boot, encoded: encode(boot.program, { arch }) }, encoded, arch), 16);
  const cleanupAt = file.add(encode(compileCleanup(recorded), { arch }).bytes, 16);
  const executed = executions(recorded.program);
  const wordsAt = file.add(wordTable(file, executed, key.command), 8);
  const oomAt = file.add(Buffer.from(recorded.oom ?? ''));
  const oomFile = file.text(`${cgroup?.path ?? ''}/memory.events`);
  const world = file.text(recorded.world);
  const ownerAt = file.find(owner)[0] ?? file.text(owner).at;
  const ids = file.find(recorded.id);
  const idsAt = file.add(Buffer.from(Uint32Array.from(ids).buffer), 8);
  const counts = { guards: recorded.guards.length, ids: ids.length, words: wordsAt.count / 8 };
  const spans = [
    keyAt,
    { ...guardsAt, count: counts.guards },
    setupAt,
    spawnAt,
    cleanupAt,
    { ...idsAt, count: counts.ids },
    { ...wordsAt, count: counts.words },
    oomAt,
    { at: oomFile.at, count: ownerAt },
    { at: world.at, count: executed[0]?.index ?? 0 },
  ];
  return file.finish(magic, spanWords(spans));
}

interface Execution {
  readonly index: number;
  readonly path: string;
}

const executions = ({ ops }: Program): Execution[] =>
  ops.flatMap((op: Op, index) => {
    const [path] = op.args;
    return op.call === 'execve' && typeof path === 'string' ? [{ index, path }] : [];
  });

/** `struct word[]`. */
function wordTable(file: Blob, executed: readonly Execution[], command: CommandKind): Buffer {
  if (command === 'image') return Buffer.alloc(0);
  const words = executed.flatMap(({ index, path }) => {
    const prefix = command === 'name' ? path.slice(0, path.lastIndexOf('/') + 1) : '';
    return [index, file.text(prefix).at];
  });
  return Buffer.from(Uint32Array.from(words).buffer);
}

/** `struct guard[]`. */
export function guardTable(file: Blob, guards: readonly Guard[]): Buffer {
  const words = guards.flatMap((guard) => {
    const expected = expectedBytes(guard);
    const path = file.text(guard.path);
    const { at, count } = file.add(expected);
    return [guardKinds[guard.kind], path.at, at, count];
  });
  return Buffer.from(Uint32Array.from(words).buffer);
}

function expectedBytes(guard: Guard): Buffer {
  if (guard.kind === 'file') return sightBytes(guard.expected);
  return Buffer.from(guard.kind === 'kind' ? guard.expected.slice(0, 1) : guard.expected);
}

/** `struct sight`. */
function sightBytes(sight: Sight | undefined): Buffer {
  const { dev = 0n, ino = 0n, mode = 0n, changed = 0n } = sight ?? {};
  return Buffer.from(BigUint64Array.from([dev, ino, mode, changed]).buffer);
}
