/**
 * Flags as pflag reads them, hence as Docker does:
 *
 *     --name value   --name=value   -n value   -nvalue   -n=value   -it   --switch   --switch=false   --
 *
 * A flag that needs a value takes the next word, whatever it looks like. The first other word ends the flags.
 */
import { nearest } from '../spec/nearest.ts';
import type { Context, Flag } from './flag.ts';
import { quote } from './quote.ts';

/** A flag of other programs: whether it takes a value, and what to do instead. */
export interface Foreign {
  readonly name: string;
  readonly short?: string;
  readonly takesValue: boolean;
  readonly instead: string;
}

export interface Reading {
  /** What follows the flags. */
  readonly rest: readonly string[];
  /** A `--` ended them. */
  readonly separated: boolean;
  /** Names of the flags that were given, well-formed or not. */
  readonly given: ReadonlySet<string>;
  readonly problems: readonly string[];
}

/** Fills in `draft`; every problem is reported, none thrown. */
export function readFlags<D>(
  flags: readonly Flag<D>[],
  argv: readonly string[],
  draft: D,
  context: Context,
  foreign: readonly Foreign[] = [],
): Reading {
  const reader = new Reader(flags, argv, draft, context, foreign);
  return reader.read();
}

class Reader<D> {
  readonly #flags: readonly Flag<D>[];
  readonly #argv: readonly string[];
  readonly #draft: D;
  readonly #context: Context;
  readonly #foreign: readonly Foreign[];
  readonly #problems: string[] = [];
  /** The text of what may be given once, by flag or by flag and key. */
  readonly #once = new Map<string, string>();
  readonly #given = new Set<string>();
  #at = 0;

  constructor(
    flags: readonly Flag<D>[],
    argv: readonly string[],
    draft: D,
    context: Context,
    foreign: readonly Foreign[],
  ) {
    this.#flags = flags;
    this.#argv = argv;
    this.#draft = draft;
    this.#context = context;
    this.#foreign = foreign;
  }

  read(): Reading {
    let separated = false;
    for (let word = this.#argv[this.#at]; word !== undefined; word = this.#argv[this.#at]) {
      if (!word.startsWith('-') || word === '-') break;
      this.#at++;
      separated = word === '--';
      if (separated) break;
      if (word.startsWith('--')) this.#long(word);
      else this.#cluster(word);
    }
    return { rest: this.#argv.slice(this.#at), separated, given: this.#given, problems: this.#problems };
  }

  #long(word: string): void {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const text = equals < 0 ? undefined : word.slice(equals + 1);
    const flag = this.#flags.find((candidate) => candidate.name === name);
    if (flag === undefined) this.#unknown(name, text !== undefined);
    else if (flag.value === undefined) this.#land(flag, `--${name}`, text ?? 'true');
    else this.#land(flag, `--${name}`, text ?? this.#next());
  }

  /** `-it`, `-e=X`, `-eX` */
  #cluster(word: string): void {
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i);
      const flag = this.#flags.find((candidate) => candidate.short === letter);
      const rest = word.slice(i + 1);
      const text = rest.startsWith('=') ? rest.slice(1) : undefined;
      if (flag === undefined) {
        this.#unknownLetter(letter, word, rest !== '');
        return;
      }
      if (flag.value !== undefined) {
        this.#land(flag, `-${letter}`, text ?? (rest === '' ? this.#next() : rest));
        return;
      }
      this.#land(flag, `-${letter}`, text ?? 'true');
      if (text !== undefined) return;
    }
  }

  #next(): string | undefined {
    const text = this.#argv[this.#at];
    if (text !== undefined) this.#at++;
    return text;
  }

  #land(flag: Flag<D>, spelling: string, text: string | undefined): void {
    this.#given.add(flag.name);
    const { expects } = flag.lands;
    if (text === undefined) {
      this.#problems.push(`${spelling}: no value (expected ${expects})`);
      return;
    }
    this.#checkOnce(flag, spelling, text);
    const shown = flag.value === undefined ? `${spelling}=${quote(text)}` : `${spelling} ${quote(text)}`;
    const complaints: string[] = [];
    flag.lands.land(this.#draft, text, (what) => complaints.push(what), this.#context);
    if (complaints.length > 0) this.#problems.push(`${shown}: ${complaints.join('; ')} (expected ${expects})`);
  }

  #checkOnce(flag: Flag<D>, spelling: string, text: string): void {
    if (flag.repeats === 'always') return;
    const key = flag.repeats === 'keys' ? (/^[^=:]*/.exec(text)?.[0] ?? '') : '';
    const subject = `${flag.name}=${key}`;
    const before = this.#once.get(subject);
    this.#once.set(subject, text);
    if (before === undefined || before === text) return;
    this.#problems.push(`${spelling}: given both as ${quote(before)} and as ${quote(text)}`);
  }

  #unknown(name: string, hasValue: boolean): void {
    const foreign = this.#foreign.find((candidate) => candidate.name === name);
    const near = nearest(
      name,
      this.#flags.map((flag) => flag.name),
    );
    const known = this.#flags.find((flag) => flag.name === near);
    if (foreign !== undefined) this.#problems.push(`--${name}: not a flag of tare; ${foreign.instead}`);
    else if (near === undefined) this.#problems.push(`--${quote(name)}: no such flag`);
    else this.#problems.push(`--${quote(name)}: no such flag; did you mean --${near}?`);
    this.#passValue(!hasValue && (foreign?.takesValue ?? known?.value !== undefined));
  }

  #unknownLetter(letter: string, word: string, hasValue: boolean): void {
    const foreign = this.#foreign.find((candidate) => candidate.short === letter);
    const where = word.length === 2 ? '' : ` in ${quote(word)}`;
    const what = foreign === undefined ? 'no such flag' : `not a flag of tare; ${foreign.instead}`;
    this.#problems.push(`-${quote(letter)}${where}: ${what}`);
    this.#passValue(!hasValue && (foreign?.takesValue ?? false));
  }

  /** Steps over what was meant as the value of an unknown flag, so that it is not taken for the image. */
  #passValue(expected: boolean): void {
    if (expected && this.#argv[this.#at]?.startsWith('-') === false) this.#at++;
  }
}
