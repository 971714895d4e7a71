/** What is printed, and what is kept. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import type { Measured } from './peer.ts';
import { randomFrom } from '../src/weigh/random.ts';
import { compareRounds, type Pair, quantileOf } from '../src/weigh/statistics.ts';
import { ms, table } from './table.ts';

const top = join(import.meta.dirname, '..');
const results = join(top, import.meta.dirname.endsWith('bench') ? 'results' : 'bench/results');

export const say = (text = ''): void => void process.stdout.write(`${text}\n`);

/** Numbers mean nothing without it. */
function machine(): object {
  return {
    at: new Date().toISOString(),
    kernel: release(),
    node: process.version,
    cpu: cpus()[0]?.model ?? '',
    cpus: cpus().length,
    memory: totalmem(),
    load: loadavg(),
  };
}

export function sayMachine(): void {
  const [load = 0] = loadavg();
  say(
    `Linux ${release()}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, load ${load.toFixed(1)}`,
  );
  if (load > cpus().length / 2) say('The machine is busy: of what follows only ratios and minimums mean something.');
}

/** The raw samples, after a line that says where they are from. */
export function keep(question: string, samples: readonly object[]): void {
  mkdirSync(results, { recursive: true });
  const file = join(results, `${question}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.ndjson`);
  writeFileSync(file, [{ question, ...machine() }, ...samples].map((line) => `${JSON.stringify(line)}\n`).join(''));
  say(`raw samples: ${relative(process.cwd(), file)}`);
}

/** A row for each peer; `ours` is the one that the others are compared with. */
export function sayComparison(measured: Measured, ours: string): void {
  const times = samplesByPeer(measured);
  const base = times.get(ours);
  if (base === undefined) throw new Error(`${ours}: ${measured.missing.get(ours)}`);
  const rows = [...times].map(([peer, samples]) => {
    const times = [0, 0.5, 0.9].map((share) => ms(quantileOf(samples, share)));
    const ratio = peer === ours ? ['', ''] : ratioText(base, samples);
    return [peer, String(samples.length), ...times, ...ratio];
  });
  const head = ['ms', 'n', 'min', 'median', 'p90', `${ours}, of this (medians, 95 %)`, '(minimums)'];
  say(table(head, rows));
  for (const [peer, why] of measured.missing) say(`${peer}: not measured: ${why}`);
}

/** In the order in which the peers were given, and the samples by round. */
function samplesByPeer({ samples, peers }: Measured): Map<string, number[]> {
  const times = new Map<string, number[]>(peers.map((peer) => [peer, []]));
  for (const { peer, ns } of samples) times.get(peer)?.push(ns);
  return times;
}

function ratioText(ours: readonly number[], theirs: readonly number[]): string[] {
  const pairs = ours.flatMap((ns, round): Pair[] => {
    const other = theirs[round];
    return other === undefined ? [] : [[ns, other]];
  });
  const { ratio, low, high } = compareRounds(pairs, randomFrom(1));
  const min = Math.min(...ours) / Math.min(...theirs);
  return [`× ${ratio.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`, `× ${min.toFixed(2)}`];
}
