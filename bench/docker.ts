/** How long does docker take for a container, with tare-oci beneath it and with runc? */
import { runIn, startDockerd } from '../tests/conformance/oci/dockerd.ts';
import { type Candidate, compare, time } from './peer.ts';
import type { Question } from './question.ts';
import { say, sayComparison } from './report.ts';

export const docker: Question = {
  name: 'docker',
  asks: 'how long does docker take: create → attach → start → exit of /bin/true → remove, with tare-oci beneath it and with runc',
  async answer({ rounds = 40 }) {
    await using dockerd = await startDockerd('docker');
    const through = (runtime: string): Candidate => ({
      name: runtime,
      open: async () => ({
        sample: () =>
          time(async () => {
            const HostConfig = { Runtime: runtime, NetworkMode: 'none' };
            const { status, stderr } = await runIn(dockerd.api, ['true'], { HostConfig });
            if (status !== 0) throw new Error(`exit status ${status}: ${stderr}`);
          }),
        close: async () => undefined,
      }),
    });
    const measured = await compare([through('tare'), through('runc')], {
      rounds,
      warmup: Math.min(rounds, 3),
      rest: 50,
    });
    sayComparison(measured, 'tare');
    say('One dockerd for both, in namespaces of its own; no network, its default seccomp profile, overlay2.');
    return measured.samples;
  },
};
