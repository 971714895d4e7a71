/**
 * Two explanations held against each other: which calls the one makes and the other does not. Pure.
 *
 *     @@ -9,5 +9,4 @@ namespaces, from call 4 on
 *      unshare(CLONE_NEWIPC)                     make System V IPC and message queues of its own
 *     -unshare(CLONE_NEWNET)                     make a network stack of its own
 */
import { structuredPatch } from 'diff';
import { type Chapter, explainCall } from './explain.ts';
import type { Arg, Op } from './program.ts';

/** A call, or a word on who makes those that follow. */
interface Line {
  readonly stage: string;
  /** As `explain` counts it, within its program; undefined for what is no call. */
  readonly index: number | undefined;
  readonly call: string;
  readonly why: string;
  /** What the call takes, to the byte: two filters of one length read the same. */
  readonly content: string;
}

/** A call that one side alone makes. */
export interface Change extends Pick<Line, 'stage' | 'index' | 'call' | 'why'> {
  readonly side: 'one' | 'other';
}

export interface Difference {
  /** How many calls both make, and how many one alone. */
  readonly same: number;
  readonly one: number;
  readonly other: number;
  readonly changes: readonly Change[];
  /** A unified diff with a line for each call; empty where there is no difference. */
  readonly patch: string;
}

/** Where the reasons begin, in characters. */
const column = 44;

/** Lines of both sides that are shown around what differs. */
const context = 3;

/** @param names what the sides are called in the patch */
export function diffChapters(
  one: readonly Chapter[],
  other: readonly Chapter[],
  names: readonly [one: string, other: string],
): Difference {
  const before = one.flatMap(linesOf);
  const after = tellApart(before, other.flatMap(linesOf));
  const { hunks } = structuredPatch('', '', textOf(before), textOf(after), undefined, undefined, { context });
  const changes: Change[] = [];
  const patch: string[] = [`--- ${names[0]}\n`, `+++ ${names[1]}\n`];
  for (const { oldStart, oldLines, newStart, newLines, lines } of hunks) {
    const first = before[oldStart - 1] ?? after[newStart - 1];
    patch.push(`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@ ${placeOf(first)}\n`);
    let [left, right] = [oldStart - 1, newStart - 1];
    for (const line of lines) {
      patch.push(`${line}\n`);
      if (line.startsWith('-')) changes.push(changeOf('one', before[left]));
      if (line.startsWith('+')) changes.push(changeOf('other', after[right]));
      if (!line.startsWith('+')) left += 1;
      if (!line.startsWith('-')) right += 1;
    }
  }
  const count = (side: Change['side']) =>
    changes.filter((change) => change.side === side && change.index !== undefined).length;
  return {
    same: before.filter(({ index }) => index !== undefined).length - count('one'),
    one: count('one'),
    other: count('other'),
    changes,
    patch: hunks.length === 0 ? '' : patch.join(''),
  };
}

function linesOf(chapter: Chapter): Line[] {
  const title = { stage: '', index: undefined, why: '', content: '' };
  const heading = chapter.title === undefined ? [] : [{ ...title, call: chapter.title }];
  return [
    ...heading,
    ...('program' in chapter
      ? chapter.program.ops.map((op, index) => ({
          stage: op.stage,
          index,
          call: explainCall(op),
          why: op.why,
          content: JSON.stringify(op.args, plain),
        }))
      : chapter.rows.map(([call, why], index) => ({ stage: chapter.title ?? '', index, call, why, content: '' }))),
  ];
}

/** What reads the same on both sides and is not, says so on the second. */
function tellApart(before: readonly Line[], after: readonly Line[]): Line[] {
  const contents = new Map<string, Set<string>>();
  for (const { call, content } of before) contents.set(call, (contents.get(call) ?? new Set()).add(content));
  return after.map((line) =>
    contents.get(line.call)?.has(line.content) === false ? { ...line, call: `${line.call}  // another one` } : line,
  );
}

function plain(_: string, value: Arg | Op | Uint8Array): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}

const textOf = (lines: readonly Line[]): string =>
  lines.map(({ call, why }) => `${oneLine(why === '' ? call : `${call.padEnd(column)}  ${why}`)}\n`).join('');

const oneLine = (text: string): string => text.replaceAll('\n', '\\n');

const placeOf = (line: Line | undefined): string =>
  line?.index === undefined ? 'from the first call on' : `${line.stage}, from call ${line.index} on`;

function changeOf(side: Change['side'], line: Line | undefined): Change {
  const { stage = '', index, call = '', why = '' } = line ?? {};
  return { side, stage, index, call, why };
}
