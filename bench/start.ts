/** How long does a container take from a Node process that is warm? */
import { compare, type Pace } from './peer.ts';
import { bwrap } from '../src/weigh/backends/bwrap.ts';
import { crun } from '../src/weigh/backends/crun.ts';
import { runc } from '../src/weigh/backends/runc.ts';
import { openRuntime } from '../src/weigh/oci-runtime.ts';
import { weighed } from './peers/backend.ts';
import { launchInC } from './peers/launch.ts';
import { sameInC } from './peers/same.ts';
import { tareLibrary } from './peers/tare.ts';
import type { Question } from './question.ts';
import { say, sayComparison } from './report.ts';

const withoutCgroup = {
  ...crun,
  open: async (...[job, site]: Parameters<typeof crun.open>) =>
    openRuntime('crun', job, site, ['--cgroup-manager=disabled']),
};

const runtimes = [
  weighed(crun),
  weighed(withoutCgroup, { title: 'crun run, no cgroup' }),
  weighed(runc),
  weighed(bwrap),
];

export const start: Question = {
  name: 'start',
  asks: 'how long does a container take, from a warm process: create → exit of /bin/true',
  async answer({ rounds = 300 }) {
    const pace: Pace = { rounds, warmup: Math.min(rounds, 20), rest: 0 };
    const floor = await compare([tareLibrary, sameInC, launchInC], pace);
    say('One after another, beside the least that it can cost:\n');
    sayComparison(floor, tareLibrary.name);

    const others = await compare([tareLibrary, sameInC, launchInC, ...runtimes], { ...pace, rest: 5 });
    say('Now and then, beside other runtimes, which leave little of it in the caches:\n');
    sayComparison(others, tareLibrary.name);
    say(
      'All: pid, mount, uts, ipc, net and cgroup namespaces, default mounts, capabilities, seccomp. tare and C: a cgroup',
    );
    say(
      'v2 with an eBPF device judge, and an overlay root. crun and runc: their own cgroups, no overlay. bwrap: neither.',
    );
    return [
      ...floor.samples.map((sample) => ({ part: 'floor', ...sample })),
      ...others.samples.map((sample) => ({ part: 'runtimes', ...sample })),
    ];
  },
};
