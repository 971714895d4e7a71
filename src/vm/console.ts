/** What a guest prints on its serial port, or QEMU on its standard error: the last lines, for whoever must know why. */
import type { Readable } from 'node:stream';

const mostLines = 200;
const longestLine = 1000;

export interface ConsoleLine {
  readonly text: string;
  /** When we read it: CLOCK_MONOTONIC in ns. */
  readonly at: bigint;
}

export class Console {
  readonly #lines: ConsoleLine[] = [];
  #rest = '';
  /** Settles at the end of the stream. */
  readonly ended: Promise<void>;

  constructor(stream: Readable) {
    stream.setEncoding('utf8');
    stream.on('data', (piece: string) => this.#read(piece));
    this.ended = new Promise((resolve) => {
      for (const end of ['end', 'close', 'error']) stream.on(end, () => resolve());
    });
  }

  get lines(): readonly ConsoleLine[] {
    return this.#rest === '' ? this.#lines : [...this.#lines, { text: plain(this.#rest), at: process.hrtime.bigint() }];
  }

  /** The last lines that say something, without what moves a terminal's cursor. */
  tail(count: number): string[] {
    return this.#said().slice(-count);
  }

  /** The same, but of a kernel's panic what led to it: the registers and the stack that follow tell a developer only. */
  lastWords(count: number): string[] {
    const said = this.#said();
    const panic = said.findLastIndex((text) => text.includes('Kernel panic'));
    return (panic < 0 ? said : said.slice(0, panic + 1)).slice(-count);
  }

  #said(): string[] {
    return this.lines.map(({ text }) => text).filter((text) => text.trim() !== '');
  }

  #read(piece: string): void {
    const at = process.hrtime.bigint();
    const lines = `${this.#rest}${piece}`.split('\n');
    this.#rest = (lines.pop() ?? '').slice(-longestLine);
    this.#lines.push(...lines.map((text) => ({ text: plain(text), at })));
    this.#lines.splice(0, this.#lines.length - mostLines);
  }
}

/** Firmware clears the screen; a guest may print anything. */
const plain = (line: string): string =>
  line
    // eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
    .replace(/\u001b(\[[0-9;?]*[A-Za-z]|.)/g, '')
    .replace(/\p{Cc}/gu, '')
    .slice(0, longestLine);
