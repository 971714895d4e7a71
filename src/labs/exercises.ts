/** The labs that come with tare, and those of a teacher: files of YAML. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { TareError } from '../index.ts';
import { type Lab, labShape } from './format.ts';
import { misuses } from './misuses.ts';

/** Beside this file, and beside the bundle. */
const folder = join(import.meta.dirname, 'exercises');

/** What `tare lab new` begins with. */
export const templateFile = join(folder, 'template.yaml');

export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

/** What is wrong with a file, or the lab in it. */
export function readLab(file: string): { readonly lab?: Lab; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): number => lines.linePos(offset).line;
  const broken = document.errors.map(({ message, pos }) => ({ file, line: at(pos[0]), what: message }));
  if (broken.length > 0) return { problems: broken };
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length--) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range))
        return at(Number(node.range[0]));
    }
    return 1;
  };
  const { data, error } = labShape.safeParse(document.toJS());
  if (error !== undefined) {
    const problems = error.issues.map(({ path, message }) => ({
      file,
      line: lineOf(path),
      what: `${path.map(String).join('.') || 'the lab'}: ${message}`,
    }));
    return { problems };
  }
  const problems = misuses(data).map(({ path, what }) => ({ file, line: lineOf(path), what }));
  return { lab: data, problems };
}

/** @throws TareError that names each problem with its line */
export function loadLab(file: string): Lab {
  const { lab, problems } = readLab(file);
  if (lab !== undefined && problems.length === 0) return lab;
  throw new TareError(`read the lab ${file}:\n${problems.map(describeProblem).join('\n')}`, {
    hint: `tare lab lint ${file} says the same until nothing is left`,
  });
}

export const describeProblem = ({ file, line, what }: Problem): string => `${basename(file)}:${line}: ${what}`;

/** Those that come with tare, by number. */
export function ownLabs(): readonly Lab[] {
  return ownFiles()
    .map((file) => loadLab(file))
    .sort((one, other) => (one.number ?? 0) - (other.number ?? 0));
}

const ownFiles = (): readonly string[] =>
  readdirSync(folder)
    .filter((name) => /^\d.*\.yaml$/.test(name))
    .sort()
    .map((name) => join(folder, name));

/**
 * By its number, its name, or the path of a file.
 * @throws TareError that names the nearest
 */
export function findLab(word: string, didYouMean: (word: string, names: Iterable<string>) => string): Lab {
  if (/\.ya?ml$/.test(word)) return loadLab(resolve(word));
  const labs = ownLabs();
  const found = labs.find(({ number, name }) => String(number) === word || name === word);
  if (found !== undefined) return found;
  const names = labs.flatMap(({ number, name }) => [name, ...(number === undefined ? [] : [String(number)])]);
  throw new TareError(`lab ${word}: there is none of this number or name${didYouMean(word, names)}`, {
    hint: 'tare lab list shows all',
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? '';
    throw new TareError(`read the lab ${file}`, { errno, cause });
  }
}
