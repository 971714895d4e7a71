/**
 * A timeline for the terminal: one line for each call that matters, the bars on one axis. Pure.
 *
 *     namespaces                                 0.740      ━━━━━━━━
 *     ▸ unshare make a network stack of its own  0.601      ███░░░░
 *       + 6 more calls                           0.139
 */
import type { Timed, Timeline } from './trace.ts';
import { milliseconds, type Row, rowsOf, summaryOf, ticks, wrap } from './waterfall-rows.ts';

/** How text is coloured: picocolors fits. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly red: (text: string) => string;
}

const same = (text: string): string => text;
const plain: Paint = { bold: same, dim: same, cyan: same, green: same, yellow: same, red: same };

export interface WaterfallOptions {
  /** Width of the terminal, in characters; at least 80. */
  readonly columns?: number;
  readonly color?: Paint;
  /** A line for every call. */
  readonly all?: boolean;
  /** Nothing but ASCII. */
  readonly ascii?: boolean;
}

interface Glyphs {
  readonly cpu: string;
  readonly blocked: string;
  readonly unknown: string;
  /** For what is narrower than a column: its part of one. */
  readonly thin: readonly string[];
  readonly stage: string;
  readonly slow: string;
  readonly cut: string;
}

const drawn: Glyphs = { cpu: '█', blocked: '░', unknown: '▒', thin: [...'▏▎▍▌▋▊▉'], stage: '━', slow: '▸', cut: '…' };
const ascii: Glyphs = { cpu: '#', blocked: '.', unknown: '=', thin: ['|'], stage: '-', slow: '>', cut: '~' };

export function waterfall(timeline: Timeline, options: WaterfallOptions = {}): string {
  const rows = rowsOf(timeline, options);
  const page = new Page(timeline, rows, options);
  const lines = [page.axis(), ...rows.map((row) => page.row(row)), '', ...page.legend(), ...page.summary()];
  const text = lines.map((line) => line.trimEnd()).join('\n');
  return `${options.ascii === true ? text.replaceAll('µ', 'u') : text}\n`;
}

const leastColumns = 80;
/** Marker, and a blank on each side of the number. */
const gaps = 4;
/** The part of the width that labels may take. */
const labelShare = 0.55;

/** The columns: marker, label, milliseconds, bar. */
class Page {
  readonly #timeline: Timeline;
  readonly #paint: Paint;
  readonly #glyphs: Glyphs;
  readonly #width: number;
  readonly #label: number;
  readonly #number: number;
  readonly #bar: number;

  constructor(
    timeline: Timeline,
    rows: readonly Row[],
    { columns = leastColumns, color, ascii: asciiOnly }: WaterfallOptions,
  ) {
    this.#timeline = timeline;
    this.#paint = color ?? plain;
    this.#glyphs = asciiOnly === true ? ascii : drawn;
    this.#width = Math.max(leastColumns, columns);
    this.#number = Math.max(5, milliseconds(timeline.totalNs).length);
    const longest = Math.max(0, ...rows.map((row) => labelOf(row).length));
    this.#label = Math.min(longest, Math.floor(this.#width * labelShare) - this.#number);
    this.#bar = this.#width - gaps - this.#label - this.#number;
  }

  axis(): string {
    const line = Array.from({ length: this.#bar }, () => ' ');
    for (const { atNs, label } of ticks(this.#timeline.totalNs, Math.floor(this.#bar / 6))) {
      const at = Math.floor(this.#scale(atNs));
      if (at + label.length <= this.#bar) line.splice(at, label.length, ...label);
    }
    const { dim } = this.#paint;
    return `  ${' '.repeat(this.#label)} ${dim('ms'.padStart(this.#number))} ${dim(line.join('').trimEnd())}`;
  }

  row(row: Row): string {
    const { bold, dim, cyan, red } = this.#paint;
    const { slow } = this.#glyphs;
    const number = milliseconds(row.wallNs).padStart(this.#number);
    const label = cut(labelOf(row), this.#label, this.#glyphs.cut);
    const name = row.name.length;
    const rest = label.slice(name).padEnd(this.#label - Math.min(name, label.length));
    if (row.kind === 'stage') return `${bold(label.slice(0, name))}${dim(rest)}   ${bold(number)} ${this.#barOf(row)}`;
    if (row.kind === 'rest') return `  ${dim(rest)} ${dim(number)}`;
    const marker = row.slow ? red(slow) : ' ';
    const text = `${cyan(label.slice(0, name))}${rest}`;
    return `${marker} ${text} ${row.slow ? bold(red(number)) : number} ${this.#barOf(row)}`;
  }

  legend(): string[] {
    const { green, yellow, dim } = this.#paint;
    const { cpu, blocked, unknown } = this.#glyphs;
    const parts = [
      `${green(cpu)} on the CPU`,
      `${yellow(blocked)} off it: waiting, or the turn of others`,
      `${dim(unknown)} not known which`,
    ];
    return [parts.join('   ')];
  }

  summary(): string[] {
    const [total = '', ...others] = summaryOf(this.#timeline).flatMap((line) => wrap(clean(line), this.#width));
    return [this.#paint.bold(total), ...others];
  }

  #barOf(row: Row): string {
    const { dim } = this.#paint;
    const from = Math.min(Math.floor(this.#scale(row.startNs)), this.#bar - 1);
    const exact = this.#scale(row.startNs + row.wallNs);
    const cells = Math.max(1, Math.min(Math.round(exact), this.#bar) - from);
    const indent = ' '.repeat(Math.max(0, from));
    if (row.kind === 'stage' && row.open) return indent + dim(this.#glyphs.stage.repeat(cells));
    if (this.#scale(row.wallNs) < 1) return indent + this.#thin(row);
    return indent + this.#fill(row, cells);
  }

  #thin(time: Timed): string {
    const { green, yellow, dim } = this.#paint;
    const { thin } = this.#glyphs;
    const glyph = thin[Math.floor(this.#scale(time.wallNs) * thin.length)] ?? '';
    if (time.cpuNs === undefined) return dim(glyph);
    return (time.cpuNs * 2 >= time.wallNs ? green : yellow)(glyph);
  }

  #fill({ wallNs, cpuNs = 0, blockedNs = 0 }: Timed, cells: number): string {
    const { green, yellow, dim } = this.#paint;
    const { cpu, blocked, unknown } = this.#glyphs;
    const onCpu = Math.round((cells * cpuNs) / wallNs);
    const off = Math.min(cells - onCpu, Math.round((cells * blockedNs) / wallNs));
    const unknownCells = cells - onCpu - off;
    const paint = (color: (text: string) => string, glyph: string, count: number) =>
      count > 0 ? color(glyph.repeat(count)) : '';
    return paint(green, cpu, onCpu) + paint(yellow, blocked, off) + paint(dim, unknown, unknownCells);
  }

  #scale(ns: number): number {
    return (ns / Math.max(1, this.#timeline.totalNs)) * this.#bar;
  }
}

/** A name may hold whatever a path may: no control character of it reaches the terminal. */
const clean = (text: string): string => text.replace(/\p{Cc}/gu, '?');

const labelOf = ({ name, text }: Row): string => clean(`${name} ${text}`.trim());

const cut = (text: string, width: number, mark: string): string =>
  text.length <= width ? text : text.slice(0, width - mark.length) + mark;
