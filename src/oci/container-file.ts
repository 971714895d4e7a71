/** The file by which native/oci.c knows a container: `struct container` of native/container.h. Pure. */
import { Blob, type Span, spanWords } from '../launch/blob.ts';
import { encode } from '../launch/encode.ts';
import type { Program } from '../launch/program.ts';
import type { Arch } from '../linux/abi.ts';
import { deleteProgram, freezeProgram, killProgram, type LaterVerb, laterVerbs, startProgram } from './programs.ts';
import { type Saved, stateOf } from './state.ts';

const magic = 0x3149434f;
/** Of 32-bit words: six, the spans, and two cells. */
const headerSize = 4 * (6 + 2 * (3 + laterVerbs.length) + 2);

/** The verbs that are straight lists of calls for this container; the others take Node. */
export function laterPrograms(saved: Saved): Partial<Record<LaterVerb, Program>> {
  const { cgroup, spec } = saved;
  const { hooks = {} } = spec;
  const has = (list: readonly unknown[] = []): boolean => list.length > 0;
  return {
    ...(has(hooks.startContainer) || has(hooks.poststart) ? {} : { start: startProgram() }),
    kill: killProgram().program,
    ...(cgroup === undefined ? {} : { pause: freezeProgram(cgroup, '1'), resume: freezeProgram(cgroup, '0') }),
    ...(has(hooks.poststop) ? {} : { delete: deleteProgram(saved) }),
  };
}

export interface ContainerFile {
  readonly bytes: Buffer;
  /** What is in it. */
  readonly texts: readonly string[];
  readonly programs: readonly Program[];
}

/** @param edit what becomes of its texts */
export function encodeContainer(saved: Saved, arch: Arch, edit = (text: string): string => text): ContainerFile {
  const blob = new Blob(headerSize);
  const eventsFile = saved.cgroup === undefined ? '' : `${saved.cgroup}/cgroup.events`;
  const events = blob.text(eventsFile).at;
  const parts = stateParts(saved).map((part) => edit(part));
  const state = parts.map((part) => blob.text(part));
  const kill = killProgram();
  const cells = encode(kill.program, { arch }).cells;
  const programs = { ...laterPrograms(saved), kill: kill.program };
  const spans = laterVerbs.map((verb): Span => {
    const program = programs[verb];
    return program === undefined ? { at: headerSize, count: 0 } : blob.add(encode(program, { arch }).bytes, 16);
  });
  const started = BigInt(saved.startTime);
  const bytes = blob.finish(magic, [
    Number(started & 0xffffffffn),
    Number(started >> 32n),
    saved.pid,
    events,
    ...spanWords(state),
    ...spanWords(spans),
    cells.get(kill.pidfd)?.offset ?? 0,
    cells.get(kill.signal)?.offset ?? 0,
  ]);
  return { bytes, texts: [eventsFile, ...parts], programs: Object.values(programs) };
}

/** The answer to `state`, cut where the pid and the status stand. */
function stateParts(saved: Saved): string[] {
  const document = { ...stateOf(saved, 'created'), pid: '\u0000', status: '\u0000' };
  const [before = '', between = '', ...rest] = JSON.stringify(document, undefined, 2).split('\\u0000');
  // The pid is a number, and stands without the quotes of its place.
  return [before.slice(0, -1), between.slice(1), `${rest.join('\\u0000')}\n`];
}
