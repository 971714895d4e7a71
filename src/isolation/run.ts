/** `run` and `start` for whichever wall is asked for. */
import { text } from 'node:stream/consumers';
import type { Engine } from '../container/engine.ts';
import type { Exit } from '../container/exit.ts';
import * as containers from '../container/run.ts';
import { type Isolated, type IsolatedOptions, plainOptions } from './isolation.ts';
import { isolations } from './isolations.ts';

/** Starts the command. Its streams are pipes unless `stdio` says otherwise. */
export async function start(engine: Engine, options: IsolatedOptions): Promise<Isolated> {
  const isolation = await isolations[options.isolation ?? 'container']();
  return isolation.start(engine, options);
}

/** From its start to its end; our standard streams unless `stdio` says otherwise. */
export async function run(engine: Engine, options: IsolatedOptions): Promise<Exit> {
  if ((options.isolation ?? 'container') === 'container') return containers.run(engine, plainOptions(options));
  await using isolated = await start(engine, { stdio: 'inherit', ...options });
  isolated.stdin?.on('error', () => {}); // a command that does not read its input
  isolated.stdin?.end();
  const [stdout, stderr] = [isolated.stdout, isolated.stderr].map((stream) => {
    const said = stream === undefined ? undefined : text(stream);
    said?.catch(() => {}); // of a command that fails nobody asks what it said
    return said;
  });
  const exit = await isolated.exited;
  return { ...exit, ...(stdout ? { stdout: await stdout } : {}), ...(stderr ? { stderr: await stderr } : {}) };
}
