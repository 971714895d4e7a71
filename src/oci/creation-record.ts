/**
 * A `create` as the record of native/creation.h: what native/creation.c does again for bundles that differ from this one
 * only in the words of gaps.ts. Pure.
 *
 * What is compiled here is a container of stand-ins (stand-ins.ts).
 */
import type { CgroupPlan } from '../cgroup/driver.ts';
import { Blob, type Span, spanWords } from '../launch/blob.ts';
import { bootstrap } from '../launch/bootstrap.ts';
import { compileCgroup, removeGroups } from '../launch/cgroup.ts';
import type { Launch } from '../launch/compile.ts';
import { type Encoded, encode, opSize, programHeaderSize } from '../launch/encode.ts';
import { type Program, ProgramBuilder, type Stop } from '../launch/program.ts';
import { compileStreams, type Guard, guardTable, putInPlace } from '../launch/record.ts';
import { pack } from '../launch/spawn-request.ts';
import type { Arch } from '../linux/abi.ts';
import { AT_FDCWD } from '../linux/flags.ts';
import type { Hook } from '../spec/spec.ts';
import { encodeContainer } from './container-file.ts';
import { barred, type Gap, type GapKind } from './gaps.ts';
import { addressSize, files, openSocket, socketAddress } from './programs.ts';
import { bare, hasStandIn, standIns, Texts } from './stand-ins.ts';
import { type Saved, stateOf } from './state.ts';

/** What the command line decides beyond the bundle. */
export interface CreationKey {
  /** Path of the tare-oci that is to read it. */
  readonly frontEnd: string;
  readonly noNewKeyring: boolean;
  readonly console: boolean;
}

export interface Creation {
  readonly key: CreationKey;
  /** `config.json`, as latin1. */
  readonly text: string;
  readonly gaps: readonly Gap[];
  readonly guards: readonly Guard[];
  readonly arch: Arch;
  readonly tareInit: Uint8Array;
  readonly execFlag: boolean;
  readonly owner: string;
  readonly cgroup: CgroupPlan | undefined;
  readonly launch: Launch;
  /** Of a container whose id, bundle, time and words are stand-ins. */
  readonly saved: Saved;
}

const magic = 0x3252434f;
/** Of 32-bit words: magic, size, thirteen spans, two texts. */
export const headerSize = 4 * (2 + 2 * 13 + 2);

const gapKinds: Record<GapKind, number> = {
  name: 1,
  path: 2,
  file: 3,
  command: 4,
  program: 5,
  word: 6,
  variable: 7,
  json: 8,
};
const stops: Partial<Record<Stop, number>> = { start: 1, terminal: 2, hooks: 3 };

export const creationKey = ({ frontEnd, ...flagged }: CreationKey): Buffer => {
  const bits = [flagged.noNewKeyring, flagged.console].map((flag) => (flag ? '1' : '0'));
  return Buffer.from(`${frontEnd}\0${bits.join('')}`);
};

/** fds above what a program is likely to have been given. */
const fds = { cgroup: 202, start: 203, v1: 204 };

/** All that comes before the child, in the container's directory. */
function compileSetup(creation: Creation, streams: Program): Program {
  const b = new ProgramBuilder().stage('start');
  const socket = openSocket(b);
  const address = [socket, socketAddress(files.start), addressSize(files.start)];
  b.op('make the socket that the container waits on', 'bind', address);
  b.op('keep others from it', 'fchmodat', [AT_FDCWD, files.start, 0o600]);
  putInPlace(b, socket, fds.start);
  if (creation.cgroup === undefined) return { ops: [...streams.ops, ...b.ops] };
  const { program, cgroup, v1 } = compileCgroup(creation.cgroup, { owner: creation.owner });
  const last = new ProgramBuilder().stage('cgroup');
  putInPlace(last, cgroup, fds.cgroup);
  v1.forEach((file, index) => putInPlace(last, file, fds.v1 + index));
  return { ops: [...streams.ops, ...b.ops, ...program.ops, ...last.ops] };
}

function compileUndo({ cgroup }: Creation): Program {
  const b = new ProgramBuilder().stage('undo');
  if (cgroup !== undefined) removeGroups(b, cgroup);
  return { ops: b.ops };
}

export function encodeCreation(creation: Creation): Buffer {
  const { arch, key, launch, saved } = creation;
  const file = new Blob(headerSize);
  const keyAt = file.add(creationKey(key));
  const pieces = addPieces(file, creation);

  const texts = new Texts();
  const place = (program: Program): Encoded => {
    texts.ofProgram(program);
    return encode(program, { arch });
  };
  const streams = compileStreams(creation);
  const setup = compileSetup(creation, streams.program);
  const setupAt = file.add(place(setup).bytes, 16);
  const boot = bootstrap({
    tareInit: streams.fds.tareInit,
    fds: [0, 1, 2],
    inner: [fds.start, ...(creation.cgroup?.v1 ?? []).map((_, index) => fds.v1 + index)],
    newUser: false,
    lastCapability: 0,
  });
  const program = place(launch.program);
  const request = { cloneFlags: launch.cloneFlags, ...(creation.cgroup === undefined ? {} : { cgroup: fds.cgroup }) };
  const packed = pack(0, request, { boot, encoded: encode(boot.program, { arch }) }, program, arch);
  const spawnAt = file.add(packed, 16);
  const undo = compileUndo(creation);
  const undoAt = file.add(place(undo).bytes, 16);
  const container = encodeContainer(saved, arch, bare);
  const containerAt = file.add(container.bytes, 16);
  for (const each of container.programs) texts.ofProgram(each);
  for (const each of container.texts) texts.add(each);

  const hooks = [...(saved.spec.hooks?.prestart ?? []), ...(saved.spec.hooks?.createRuntime ?? [])];
  const hookTable = Buffer.from(Uint32Array.from(hooks.flatMap((hook) => hookWords(file, hook))).buffer);
  for (const { args = [] } of hooks) for (const each of args) texts.add(each);
  const hooksAt = { ...file.add(hookTable, 8), count: hooks.length };
  const guardsAt = { ...file.add(guardTable(file, creation.guards), 8), count: creation.guards.length };
  for (const { path } of creation.guards) texts.add(path);

  const savedText = bare(`${JSON.stringify({ ...saved, ...childStandIns, spec: undefined }).slice(0, -1)},"config":`);
  const savedAt = file.text(savedText).at;
  const state = bare(JSON.stringify({ ...stateOf(saved, 'creating'), pid: standIns.pid }));
  const stateAt = file.text(state).at;
  texts.add(savedText);
  texts.add(state);

  const stopped = launch.program.ops.flatMap(({ stop }, op) => (stop === undefined ? [] : [op, stops[stop] ?? 0]));
  const stopsAt = { ...file.add(Buffer.from(Uint32Array.from(stopped).buffer), 8), count: stopped.length / 2 };
  const { slots, parts } = texts.table(file, creation.gaps);
  const lengths = [
    ...lengthsOf(setup, setupAt.at),
    ...lengthsOf(launch.program, spawnAt.at + packed.length - program.bytes.length),
  ].flatMap(([at, text]) => [at, slots.find((slot) => slot.text === text)?.at ?? 0]);
  const table = (values: readonly number[], width: number): Span => ({
    ...file.add(Buffer.from(Uint32Array.from(values).buffer), 8),
    count: values.length / width,
  });
  const partsAt = table(parts.flat(), 3);
  const slotsAt = table(
    slots.flatMap(({ at, room, part, count, late }) => [at, room, part, count, late ? 1 : 0]),
    5,
  );
  const lengthsAt = table(lengths, 2);
  const piecesAt = table(pieces, 3);
  const barredAt = table(
    barred.flatMap(([kind, start]) => [gapKinds[kind], file.text(start).at]),
    2,
  );
  const spans = [
    keyAt,
    piecesAt,
    barredAt,
    partsAt,
    slotsAt,
    lengthsAt,
    guardsAt,
    setupAt,
    spawnAt,
    undoAt,
    containerAt,
    stopsAt,
    hooksAt,
  ];
  return file.finish(magic, [...spanWords(spans), savedAt, stateAt]);
}

const childStandIns = { pid: standIns.pid, startTime: standIns.started };

/** `struct piece[]`: what stands between the gaps. */
function addPieces(file: Blob, { text, gaps }: Creation): number[] {
  let from = 0;
  const piece = (to: number, kind: number): number[] => {
    const { at, count } = file.add(Buffer.from(text.slice(from, to), 'latin1'));
    return [at, count, kind];
  };
  const before = gaps.flatMap((gap) => {
    const words = piece(gap.at, gapKinds[gap.kind]);
    from = gap.end;
    return words;
  });
  return [...before, ...piece(text.length, 0)];
}

/** `struct hook`. */
function hookWords(file: Blob, { path, args = [path], env, timeout = 0 }: Hook): number[] {
  const list = (texts: readonly string[]): number => {
    const places = texts.map((text) => file.text(text).at);
    return file.add(Buffer.from(Uint32Array.from([...places, 0]).buffer), 4).at;
  };
  return [file.text(path).at, list(args), env === undefined ? 0 : list(env), timeout];
}

/** Calls that take a text and then its length. */
const measuring = new Set(['sethostname', 'setdomainname', 'setxattr', 'write']);

/** Where a length is an argument, and of which text. */
function lengthsOf({ ops }: Program, base: number): [at: number, text: string][] {
  return ops.flatMap(({ call, args }, op) => {
    const text = args.find((arg): arg is string => typeof arg === 'string' && hasStandIn(arg));
    if (text === undefined || !measuring.has(call)) return [];
    const at = args.findIndex((arg) => valueOf(arg) === Buffer.byteLength(text));
    return at < 0 ? [] : [[base + programHeaderSize + op * opSize + 16 + at * 8, text]];
  });
}

const valueOf = (arg: Program['ops'][number]['args'][number]): unknown =>
  typeof arg === 'object' && arg.kind === 'named' ? arg.value : arg;
