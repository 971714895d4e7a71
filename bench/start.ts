/** How long does a container take from a Node process that is warm? */
import { compare } from './peer.ts';
import { bubblewrap } from './peers/bubblewrap.ts';
import { launchInC } from './peers/launch.ts';
import { ociRuntime } from './peers/oci.ts';
import { tareLibrary } from './peers/tare.ts';
import type { Question } from './question.ts';
import { say, sayComparison } from './report.ts';

const candidates = [
  tareLibrary,
  launchInC,
  ociRuntime('crun'),
  ociRuntime('crun', ['--cgroup-manager=disabled'], 'crun run, no cgroup'),
  ociRuntime('runc'),
  bubblewrap,
];

export const start: Question = {
  name: 'start',
  asks: 'how long does a container take, from a warm process: create → exit of /bin/true',
  async answer({ rounds = 300 }) {
    const measured = await compare(candidates, { rounds, warmup: Math.min(rounds, 20), rest: 5 });
    sayComparison(measured, tareLibrary.name);
    say(
      'All: pid, mount, uts, ipc, net and cgroup namespaces, default mounts, capabilities, seccomp. tare and C: a cgroup',
    );
    say('v2 with an eBPF device judge, and an overlay root. crun and runc: cgroups v1, no overlay. bwrap: neither.');
    return measured.samples;
  },
};
