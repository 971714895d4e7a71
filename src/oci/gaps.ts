/**
 * Where two bundles of one engine differ: words of `config.json` that decide nothing about how a container is made, but
 * only name things. Pure. The text is taken byte by byte, as latin1, for native/creation-find.c reads it so.
 */

/** `GAP_…` of native/creation.h. */
export type GapKind = 'name' | 'path' | 'file' | 'command' | 'program' | 'word' | 'variable' | 'json';

export interface Gap {
  /** In the text: for `json` with its quotes or brackets, else what stands between the quotes. */
  readonly at: number;
  readonly end: number;
  readonly kind: GapKind;
  /** How many bytes another word may have. */
  readonly room: number;
}

/** A value of a JSON text: where it stands, and how to get there. */
interface Value {
  readonly path: readonly (string | number)[];
  readonly at: number;
  readonly end: number;
}

/**
 * Words that decide something after all, by how they begin: no gap of that kind takes one. A directory's beginning stands for
 * the directory too. `struct barred` of native/creation.h.
 */
export const barred: readonly (readonly [kind: GapKind, start: string])[] = [
  // What the kernel shows there is no file of somebody's.
  ['path', '/proc/'],
  ['path', '/sys/'],
  ['path', '/dev/'],
  // Where a command is looked for, and what the runtime sets where it is missing.
  ['variable', 'PATH='],
  ['variable', 'HOME='],
];

const isBarred = (kind: GapKind, word: string): boolean =>
  barred.some(([of, start]) => of === kind && `${word}/`.startsWith(start));

/** What is longer is no name: it stays as it is. */
const longest = 1000;
const longestHostname = 64;
const longestFileName = 255;
const longestAnnotations = 8192;

/** Sorted as they come in the text. */
export function findGaps(text: string): Gap[] {
  const values = [...readValues(text)];
  const binds = new Set(
    values.flatMap(({ path, at, end }) => {
      const word = text.slice(at, end);
      const isBind = path[0] === 'mounts' && (word === '"bind"' || word === '"rbind"');
      return isBind && (path[2] === 'type' || path[2] === 'options') ? [path[1]] : [];
    }),
  );
  return values.flatMap((value) => gapOf(text, value, binds));
}

function gapOf(text: string, { path, at, end }: Value, binds: ReadonlySet<unknown>): Gap[] {
  const key = path.map((step) => (typeof step === 'number' ? '#' : step)).join('/');
  if (key === 'annotations') return end - at <= longestAnnotations ? [gap('json', at, end, longestAnnotations)] : [];
  const word = text.slice(at + 1, end - 1);
  if (text[at] !== '"' || word === '' || word.includes('\\') || word.length > longest) return [];
  const whole = (kind: GapKind, room = Math.max(255, 2 * word.length)): Gap[] =>
    fits(kind, word) ? [gap(kind, at + 1, end - 1, room)] : [];
  switch (key) {
    case 'hostname':
      return whole('name', longestHostname);
    case 'root/path':
      return whole('path');
    case 'linux/namespaces/#/path':
      return whole('file');
    case 'linux/cgroupsPath':
      return namesOf(word).map(([from, to]) => gap('name', at + 1 + from, at + 1 + to, longestFileName));
    case 'process/args/#':
      if (path.at(-1) !== 0) return whole('word');
      return whole(word.includes('/') ? 'program' : 'command');
    case 'process/env/#':
      return whole('variable');
    case 'mounts/#/source':
      return binds.has(path[1]) ? whole('path') : [];
    default:
      return /^hooks\/\w+\/#\/args\/#$/.test(key) ? whole('word') : [];
  }
}

const gap = (kind: GapKind, at: number, end: number, room: number): Gap => ({ kind, at, end, room });

/** As native/creation-find.c sees it. */
function fits(kind: GapKind, word: string): boolean {
  if (isBarred(kind, word)) return false;
  const clean = /^(\/(?!\.{0,2}(\/|$))[^/]+)+$/.test(word);
  switch (kind) {
    case 'name':
      return /^[\w.-]+$/.test(word) && word !== '.' && word !== '..';
    case 'path':
    case 'file':
      return clean;
    case 'command':
      return !word.includes('/');
    case 'program':
      return word.includes('/');
    case 'variable':
      return /^[^=]+=/.test(word);
    case 'word':
    case 'json':
      return true;
  }
}

/** The last part of a group's path, and those that look like an id: `/kubepods/pod4f3c…/9b1d…`. */
function namesOf(path: string): [from: number, to: number][] {
  const parts = [...path.matchAll(/[^/]+/g)];
  return parts.flatMap(({ 0: part, index }): [number, number][] => {
    const named = index + part.length === path.length || /[0-9a-f]{8}/.test(part);
    return named && fits('name', part) ? [[index, index + part.length]] : [];
  });
}

/** Every value of a text that is known to be JSON. */
function* readValues(text: string): Generator<Value> {
  const token = /[{}[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}[\],:"]+/g;
  const open: { readonly at: number; readonly path: Value['path']; readonly list: boolean }[] = [];
  let path: (string | number)[] = [];
  let expectsKey = false;
  for (const { 0: word, index } of text.matchAll(token)) {
    const end = index + word.length;
    if (word === '{' || word === '[') {
      open.push({ at: index, path, list: word === '[' });
      path = [...path, word === '[' ? 0 : ''];
      expectsKey = word === '{';
    } else if (word === '}' || word === ']') {
      const begun = open.pop();
      if (begun === undefined) return;
      path = [...begun.path];
      yield { path, at: begun.at, end };
    } else if (word === ',') {
      const last = path.at(-1);
      path = [...path.slice(0, -1), typeof last === 'number' ? last + 1 : ''];
      expectsKey = open.at(-1)?.list === false;
    } else if (word === ':') expectsKey = false;
    else if (expectsKey) path = [...path.slice(0, -1), word.slice(1, -1)];
    else yield { path, at: index, end };
  }
}
