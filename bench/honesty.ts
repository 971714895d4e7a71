/** Does `tare weigh` find what is not there, and miss what is? */
import { Engine } from '../src/container/engine.ts';
import { bareProcess } from '../src/weigh/backends/process.ts';
import { crun } from '../src/weigh/backends/crun.ts';
import { tare } from '../src/weigh/backends/tare.ts';
import { weighHarness } from '../src/weigh/harness.ts';
import { randomFrom } from '../src/weigh/random.ts';
import { compareRounds, type Pair } from '../src/weigh/statistics.ts';
import { takeStock } from '../src/weigh/stock.ts';
import type { Comparison } from '../src/weigh/types/result.ts';
import { type Candidate, compare, type Measured } from './peer.ts';
import { weighed } from './peers/backend.ts';
import type { Question } from './question.ts';
import { say } from './report.ts';
import { table } from './table.ts';

const tries = 20;

/** Of twenty tries one may go wrong. */
const allowed = 1;

const quick = ['/bin/busybox', 'true'] as const;
const slow = ['/bin/busybox', 'usleep', '20000'] as const;

const backends = [bareProcess, tare, crun];

export const honesty: Question = {
  name: 'honesty',
  asks: 'does tare weigh find a difference where there is none, or miss one of 20 ms, and what does it cost itself',
  async answer({ rounds = 40 }) {
    const signal = new AbortController().signal;
    const engine = new Engine();
    const costs = await weighHarness(takeStock(engine, {}), randomFrom(1), signal);
    for (const { title, unit, summary } of costs) say(`${title}: ${summary.median.toFixed(3)} ${unit}`);
    say();
    const kept: object[] = [];
    const rows: string[][] = [];
    let dishonest = 0;
    for (const backend of backends) {
      const same: Comparison[] = [];
      for (let time = 0; time < tries; time += 1) {
        const [one, other] = [
          weighed(backend, { title: 'once', engine }),
          weighed(backend, { title: 'again', engine }),
        ];
        same.push(await ask(one, other, rounds, time));
      }
      const [sooner, slower] = [
        weighed(backend, { title: 'at once', payload: quick, engine }),
        weighed(backend, { title: '20 ms more', payload: slow, engine }),
      ];
      const later = await ask(sooner, slower, rounds, tries);
      const wrong = same.filter(({ verdict }) => verdict !== 'same').length;
      if (wrong > allowed || later.verdict !== 'higher') dishonest += 1;
      const ratios = same.map(({ ratio }) => ratio);
      const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
      rows.push([backend.title, `${tries - wrong} of ${tries}`, spread, later.verdict, `× ${later.ratio.toFixed(2)}`]);
      kept.push(...same.map((comparison) => ({ backend: backend.name, against: 'itself', ...comparison })));
      kept.push({ backend: backend.name, against: '20 ms more', ...later });
    }
    say(table(['', 'no difference to itself', 'ratios', '20 ms more', ''], rows));
    if (dishonest > 0) process.exitCode = 1;
    return kept;
  },
};

async function ask(one: Candidate, other: Candidate, rounds: number, seed: number): Promise<Comparison> {
  const measured = await compare([one, other], { rounds, warmup: 5, rest: 2 });
  const [first, second] = [one.name, other.name] as const;
  if (measured.missing.size > 0) throw new Error([...measured.missing].join('; '));
  return compareRounds(pairsOf(measured, second, first), randomFrom(seed));
}

function pairsOf({ samples }: Measured, ours: string, theirs: string): Pair[] {
  const of = (name: string) => new Map(samples.flatMap(({ peer, round, ns }) => (peer === name ? [[round, ns]] : [])));
  const [own, others] = [of(ours), of(theirs)];
  return [...own].flatMap(([round, ns]): Pair[] => {
    const other = others.get(round);
    return other === undefined ? [] : [[ns, other]];
  });
}
