import { text } from 'node:stream/consumers';
import { TareError } from '../../errors.ts';
import { openStreams } from '../../container/stdio.ts';
import { compileHook } from '../../launch/enter.ts';
import { named } from '../../linux/flags.ts';
import { onPath } from '../../linux/host.ts';
import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { groupOf } from '../later.ts';

/** The pids as this process sees them: as JSON, or the lines of ps(1) about them. */
export async function main(words: Words, context: Context): Promise<number> {
  const saved = context.store.get(words.id);
  const pids = groupOf(saved, 'list the processes of').pids();
  const format = words.value('format') ?? 'table';
  if (format === 'json') process.stdout.write(`${JSON.stringify(pids)}\n`);
  else if (format === 'table') process.stdout.write(await table(context, pids, words.operands.slice(1)));
  else
    throw new TareError(`list processes in the format ${JSON.stringify(format)}`, { hint: 'there is table and json' });
  return 0;
}

async function table({ engine }: Context, pids: readonly number[], options: readonly string[]): Promise<string> {
  const path = onPath('ps');
  if (path === undefined) throw new TareError('run ps', { hint: 'apt-get install procps, or ask for --format json' });
  const args = ['ps', ...(options.length === 0 ? ['-ef'] : options)];
  const { ignoredSignals, lastCapability } = engine.host;
  const program = compileHook({ path, args }, { payloadFds: 3, ignoredSignals, inherited: [] });
  engine.spawner.listen();
  const streams = openStreams(['ignore', 'pipe', 'inherit'], engine.spawner, engine.nullFd);
  const child = engine.spawner.spawn({
    program,
    cloneFlags: named(0, '0'),
    newUser: false,
    lastCapability,
    fds: streams.fds,
  });
  streams.release();
  const said = streams.stdout === undefined ? '' : await text(streams.stdout);
  const ended = await child.exited;
  if (ended.code !== 0) throw new TareError(`run ${args.join(' ')}: exit status ${ended.code}`);
  const [head = '', ...lines] = said.trimEnd().split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new TareError(`run ${args.join(' ')}`, { hint: 'its output has no column PID' });
  const ours = lines.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[column])));
  return `${[head, ...ours].join('\n')}\n`;
}
