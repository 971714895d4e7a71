/** Ourselves: from a Node process that is warm, or as a command. */
import { join } from 'node:path';
import { run } from '../../src/index.ts';
import { type Candidate, time } from '../peer.ts';
import { workload } from '../workload.ts';
import { sources, timeCommand } from './stopwatch.ts';

/** V8 compiles what has run often. */
const warm = 200;

export const tareLibrary: Candidate = {
  name: 'tare, library',
  async open() {
    for (let time = 0; time < warm; time += 1) await startOne();
    return { sample: startOne, close: async () => undefined };
  },
};

async function startOne(): Promise<number> {
  let exitCode: number | undefined;
  const ns = await time(async () => ({ exitCode } = await run({ ...workload, stdio: 'ignore' })));
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}`);
  return ns;
}

export const tareCommand: readonly [string, ...string[]] = [
  join(sources, '../../bin/tare'),
  'run',
  workload.image,
  ...(workload.args ?? []),
];

export const tareCli: Candidate = {
  name: 'tare run',
  open: async () => timeCommand(tareCommand),
};

/** A command line that was never run before: Node decides. */
export const tareCliDecides: Candidate = {
  name: 'tare run, by Node',
  open: async () => timeCommand(tareCommand, { environment: { TARE_NO_REPLAY: '1' } }),
};

export const nodeAlone: Candidate = {
  name: 'node -e 0',
  open: async () => timeCommand(['node', '-e', '0']),
};
