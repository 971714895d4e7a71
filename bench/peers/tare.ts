/** Ourselves: from a Node process that is warm, or as a command. */
import { join } from 'node:path';
import { run } from '../../src/index.ts';
import { type Candidate, time } from '../peer.ts';
import { workload } from '../workload.ts';
import { sources, timeCommand } from './stopwatch.ts';

export const tareLibrary: Candidate = {
  name: 'tare, library',
  open: async () => ({
    async sample() {
      let exitCode: number | undefined;
      const ns = await time(async () => ({ exitCode } = await run({ ...workload, stdio: 'ignore' })));
      if (exitCode !== 0) throw new Error(`exit code ${exitCode}`);
      return ns;
    },
    close: async () => undefined,
  }),
};

export const tareCommand = [join(sources, '../../bin/tare'), 'run', workload.image, ...(workload.args ?? [])];

export const tareCli: Candidate = {
  name: 'tare run',
  open: async () => timeCommand(tareCommand),
};

export const nodeAlone: Candidate = {
  name: 'node -e 0',
  open: async () => timeCommand(['node', '-e', '0']),
};
