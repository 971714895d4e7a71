/** Where whoever reads a long text at a terminal stops, and goes on with Enter. */
import { stripVTControlCharacters } from 'node:util';

/** Begins a line that stops between two texts: the next one has the screen for itself. */
export const turn = '\f';
/** Begins a line that stops within a text that the screen cannot hold. */
export const stop = '\v';

export const clearing = '\u001b[2J\u001b[H';

/** Between two texts, where each is to be read by itself. @param next what Enter shows */
export const turnTo = (next: string): string => `${turn}-- Enter shows ${next} --\n`;

/** Text as it comes, with stops between its lines: the blank line and the prompt that follow find room. */
export class Pages {
  readonly #rows: number | undefined;
  readonly #columns: number;
  /** Of the screen, since the last stop. */
  #used = 0;
  /** What has come of a line. */
  #begun = '';

  /** @param page without `rows` nothing stops */
  constructor({ rows, columns }: { readonly rows: number | undefined; readonly columns: number }) {
    this.#rows = rows;
    this.#columns = columns;
  }

  /** @returns the lines that are whole */
  add(text: string): string {
    const lines = `${this.#begun}${text}`.split('\n');
    this.#begun = lines.pop() ?? '';
    return lines.map((line) => this.#line(line)).join('');
  }

  end(): string {
    return this.#begun === '' ? '' : this.add('\n');
  }

  #line(line: string): string {
    if (line.startsWith(turn)) {
      this.#used = 0;
      return this.#rows === undefined ? '\n' : `${line}\n`;
    }
    const takes = Math.max(1, Math.ceil(stripVTControlCharacters(line).length / this.#columns));
    const stops = this.#rows !== undefined && this.#used > 0 && this.#used + takes > this.#rows - 2;
    this.#used = stops ? takes : this.#used + takes;
    return stops ? `${stop}-- Enter goes on --\n${line}\n` : `${line}\n`;
  }
}
