/**
 * Stand-ins: long words of our own with which a container is compiled in the place of another's id, paths and names. Where
 * they then stand, in programs and files, is where those of the next container go: `struct slot` of native/creation.h. Pure.
 */
import { type Blob, findAll } from '../launch/blob.ts';
import type { Data, Program } from '../launch/program.ts';
import type { Gap } from './gaps.ts';

const literal = 0xffffffff;

/** `WORD_…`, and in the text of a state what stands for each. */
const words = { id: 0, bundle: 1, created: 2, pid: 3, started: 4, found: 5 } as const;

/** A text that nothing else looks like, as long as the words that it stands for may be. */
const standIn = (name: string, room: number): string => `tare-${name}-`.padEnd(room, 'x');

export const standIns = {
  id: standIn('id', 128),
  bundle: `/${standIn('bundle', 1023)}`,
  created: standIn('created', 32),
  /** Numbers, until they are put into JSON. */
  pid: standIn('pid', 16),
  started: standIn('started', 24),
};

/** In the place of a gap's word: of the same kind, and as long as there is room. */
function standInFor({ kind, room }: Gap, index: number): string {
  const name = standIn(`${index}`, room);
  if (kind === 'path' || kind === 'file' || kind === 'program') return `/${name.slice(0, -1)}`;
  return kind === 'variable' ? `${name.slice(0, -2)}=x` : name;
}

/** Any value of JSON is a map of texts wherever there is a gap for one. */
const inDocument = (gap: Gap, standIn: string): string => (gap.kind === 'json' ? `{"${standIn}":""}` : standIn);

/** The bundle's document with stand-ins. */
export function withStandIns(text: string, gaps: readonly Gap[]): string {
  let at = 0;
  const parts = gaps.map((gap, index) => {
    const before = text.slice(at, gap.at);
    at = gap.end;
    return before + inDocument(gap, standInFor(gap, index));
  });
  return [...parts, text.slice(at)].join('');
}

/** What the stand-ins of a text stand for. */
export function wordsBehind(text: string, gaps: readonly Gap[], bundle: string): (path: string) => string {
  const known = gaps.map((gap, index) => {
    const word = Buffer.from(text.slice(gap.at, gap.end), 'latin1').toString('utf8');
    return [standInFor(gap, index), word] as const;
  });
  return (path) =>
    known.reduce(
      (rest, [standIn, word]) => rest.replace(standIn, () => word),
      path.replace(standIns.bundle, () => bundle),
    );
}

/** The pid is a number, and annotations are a map: what stands for them in JSON does so without more. */
export const bare = (text: string): string =>
  text.replaceAll(`"${standIns.pid}"`, standIns.pid).replaceAll(/\{\s*"(tare-\d+-x+)": ?""\s*\}/g, '$1');

export const hasStandIn = (text: string): boolean => /tare-[a-z0-9]+-x/.test(text);

export interface Slot {
  readonly text: string;
  readonly at: number;
  readonly room: number;
  readonly part: number;
  readonly count: number;
  readonly late: boolean;
}

/** All texts that hold a stand-in, wherever they are pointed at. */
export class Texts {
  readonly #texts = new Set<string>();

  add(text: string): void {
    if (hasStandIn(text)) this.#texts.add(text);
  }

  ofProgram({ ops }: Program): void {
    for (const { args } of ops)
      for (const arg of args) {
        if (typeof arg === 'string') this.add(arg);
        else if (typeof arg === 'object' && arg.kind === 'data') this.#ofData(arg);
      }
  }

  #ofData({ fields }: Data): void {
    for (const field of fields) {
      if (!('address' in field) || field.address === null) continue;
      if (typeof field.address === 'string') this.add(field.address);
      else this.#ofData(field.address);
    }
  }

  /** The longest first: one may end as another does. */
  table(file: Blob, gaps: readonly Gap[]): { slots: Slot[]; parts: number[][] } {
    const known: [string, number][] = [
      ...Object.entries(standIns).map(([name, text]): [string, number] => [text, words[name as keyof typeof standIns]]),
      ...gaps.map((gap, index): [string, number] => [standInFor(gap, index), words.found + index]),
    ];
    const slots: Slot[] = [];
    const parts: number[][] = [];
    const taken = new Set<number>();
    const bytes = file.bytes();
    const texts = [...this.#texts].sort((a, b) => Buffer.byteLength(b) - Buffer.byteLength(a));
    for (const text of texts) {
      const room = Buffer.byteLength(text) + 1;
      const places = findAll(bytes, `${text}\0`).filter((at) => !taken.has(at + room));
      const cut = cutAt(text, known);
      const made = cut.map(([word, rest]) => {
        const { at, count } = rest === '' ? { at: 0, count: 0 } : file.add(Buffer.from(rest));
        return [word, at, count];
      });
      const late = cut.some(([word]) => word === words.pid || word === words.started);
      for (const at of places) {
        taken.add(at + room);
        slots.push({ text, at, room, part: parts.length, count: made.length, late });
      }
      parts.push(...made);
    }
    return { slots, parts };
  }
}

/** A text as literals and words, in turn. */
function cutAt(text: string, known: readonly [string, number][]): [word: number, rest: string][] {
  const cuts: [number, string][] = [];
  let rest = text;
  while (rest !== '') {
    const found = known
      .map(([standIn, word]) => ({ standIn, word, at: rest.indexOf(standIn) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at)[0];
    if (found === undefined) {
      cuts.push([literal, rest]);
      break;
    }
    if (found.at > 0) cuts.push([literal, rest.slice(0, found.at)]);
    cuts.push([found.word, '']);
    rest = rest.slice(found.at + found.standIn.length);
  }
  return cuts;
}
