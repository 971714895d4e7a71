/** What a waterfall shows, whether in letters or as a drawing: rows, and an axis they share. Pure. */
import type { Timed, TimedOp, Timeline } from './trace.ts';

export interface Row extends Timed {
  /** `stage`: a chapter; `call`: one call; `rest`: what the calls of a chapter that have no row took together. */
  readonly kind: 'stage' | 'call' | 'rest';
  /** The name of the stage or system call; empty for the rest. */
  readonly name: string;
  readonly text: string;
  /** One of the slowest calls. */
  readonly slow: boolean;
  /** For a stage: whether rows of its own calls follow. */
  readonly open: boolean;
}

export interface RowOptions {
  /** A row for every call that was made. */
  readonly all?: boolean;
}

const slowestCount = 3;
/** A call of less than this part of the whole has no row. */
const leastShare = 0.01;

export function rowsOf(timeline: Timeline, { all = false }: RowOptions = {}): Row[] {
  const slow = new Set(slowest(timeline));
  const least = timeline.totalNs * leastShare;
  const shows = (op: TimedOp) => all || slow.has(op) || (op.wallNs >= least && !op.beside);
  const rows: Row[] = timeline.phases.map((phase) => ({
    ...phase,
    kind: 'stage',
    text: phase.why,
    slow: false,
    open: false,
  }));
  for (const { calls, ...stage } of timeline.stages) {
    const made = timeline.ops.filter((op) => op.stage === stage.name && !op.skipped);
    const shown = made.filter(shows);
    const open = shown.length > 0;
    rows.push({ ...stage, kind: 'stage', text: open ? '' : count(calls, 'call'), slow: false, open });
    rows.push(...shown.map((op): Row => callRow(op, slow.has(op))));
    const rest = made.filter((op) => !shown.includes(op));
    if (open && rest.length > 0) rows.push(restRow(rest));
  }
  return rows;
}

function callRow(op: TimedOp, slow: boolean): Row {
  const { startNs, wallNs, cpuNs, blockedNs, syscall, why, beside } = op;
  const text = beside ? `${why} (another process, meanwhile)` : why;
  return { startNs, wallNs, cpuNs, blockedNs, kind: 'call', name: syscall, text, slow, open: false };
}

function restRow(rest: readonly TimedOp[]): Row {
  const wallNs = rest.filter(({ beside }) => !beside).reduce((total, op) => total + op.wallNs, 0);
  const text = `+ ${count(rest.length, 'more call')}`;
  return { startNs: rest[0]?.startNs ?? 0, wallNs, kind: 'rest', name: '', text, slow: false, open: false };
}

/** The calls that took longest, the longest first. */
export function slowest(timeline: Timeline): TimedOp[] {
  return timeline.ops
    .filter(({ skipped, beside, wallNs }) => !skipped && !beside && wallNs > 0)
    .sort((a, b) => b.wallNs - a.wallNs)
    .slice(0, slowestCount);
}

export interface Tick {
  readonly atNs: number;
  /** In milliseconds. */
  readonly label: string;
}

/** Round numbers along the axis, at most `count` besides zero. */
export function ticks(totalNs: number, count: number): Tick[] {
  if (totalNs <= 0) return [{ atNs: 0, label: '0' }];
  const rough = totalNs / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const digits = Math.max(0, 6 - Math.floor(Math.log10(step)));
  return Array.from({ length: Math.floor(totalNs / step) + 1 }, (_, index) => {
    const atNs = index * step;
    return { atNs, label: index === 0 ? '0' : (atNs / 1e6).toFixed(digits) };
  });
}

export const milliseconds = (ns: number): string => (ns / 1e6).toFixed(3);

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

/** What the whole came to: a statement each. */
export function summaryOf(timeline: Timeline): string[] {
  const { totalNs, calls, cpuNs, blockedNs, stampNs, payloadNs } = timeline;
  const skipped = timeline.ops.filter((op) => op.skipped).length;
  const share = (ns: number) => `${Math.round((100 * ns) / Math.max(1, totalNs))}%`;
  const slow = slowest(timeline).map((op) => `${op.why} ${milliseconds(op.wallNs)} ms (${share(op.wallNs)})`);
  const unknown = totalNs - cpuNs - blockedNs;
  const clocks = `${(stampNs / 1e3).toFixed(2)} µs each, ${((stampNs * calls) / 1e6).toFixed(2)} ms in all`;
  return [
    `${milliseconds(totalNs)} ms in all, ${count(calls, 'call')} made, ${skipped} not needed`,
    `${milliseconds(cpuNs)} ms on the CPU, ${milliseconds(blockedNs)} ms off it, ${milliseconds(unknown)} ms not known which`,
    ...(slow.length === 0 ? [] : [`slowest: ${slow.join(', ')}`]),
    ...(payloadNs === undefined ? [] : [`the payload then ran for ${milliseconds(payloadNs)} ms`]),
    `reading the clocks is part of every call: at most ${clocks}`,
  ];
}

/** Breaks between words, but not between a number and its unit. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ (?!ms|µs|\()/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ` ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
