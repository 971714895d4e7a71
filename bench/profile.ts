/** Where does a start's time go: on its way through Node and the kernel, and within our own code? */
import { Engine } from '../src/container/engine.ts';
import { launch } from '../src/container/run.ts';
import { takeCpuProfile } from './cpu-profile.ts';
import type { Question } from './question.ts';
import { say } from './report.ts';
import { medianOf as median } from '../src/weigh/statistics.ts';
import { table, us } from './table.ts';
import { followStarts, how, type Way } from './way.ts';
import { workload } from './workload.ts';

export const profile: Question = {
  name: 'profile',
  asks: "where a start's time goes",
  async answer({ rounds = 300 }) {
    const ways = await followStarts(rounds);
    sayWay(ways);
    const engine = new Engine();
    const startOne = async () => (await launch(engine, workload, how)).exited;
    // Not only to be warm: the device judge cannot be loaded while a profiler's signals interrupt the verifier.
    for (let time = 0; time < 20; time += 1) await startOne();
    say(await takeCpuProfile(rounds, startOne));
    return ways;
  },
};

function sayWay(ways: readonly Way[]): void {
  const steps = Object.keys(ways[0] ?? {});
  const of = (step: string) => ways.map((way) => way[step] ?? 0);
  const totals = ways.map((way) => Object.values(way).reduce((sum, ns) => sum + ns, 0));
  const row = (name: string, times: readonly number[]) => [
    name,
    us(Math.min(...times)),
    us(median(times)),
    `${((100 * median(times)) / median(totals)).toFixed(0)} %`,
  ];
  const rows = [...steps.map((step) => row(step, of(step))), row('in all (traced)', totals)];
  say(table(['µs of wall time', 'min', 'median', 'share'], rows));
}
