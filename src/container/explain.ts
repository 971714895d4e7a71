/** `tare explain`: what would run, in the order it would. */
import { compileCgroup } from '../launch/cgroup.ts';
import { explain } from '../launch/explain.ts';
import type { Engine } from './engine.ts';
import { prepare } from './prepare.ts';
import type { CreateOptions } from './run.ts';

export async function explainRun(engine: Engine, options: CreateOptions): Promise<string> {
  const { stdio: _, signal: __, ...request } = options;
  const prepared = await prepare(engine, request, { payloadFds: 3, waitForStart: false, dieWithParent: true });
  const { cgroup, launch } = prepared;
  const host = cgroup === undefined ? '' : `${explain(compileCgroup(cgroup, engine.owner).program)}\n`;
  const flags = [launch.cloneFlags.text, ...(cgroup === undefined ? [] : ['CLONE_INTO_CGROUP'])]
    .filter((text) => text !== '0')
    .join('|');
  return `${host}born by clone3(${flags}), executes tare-init, which runs:\n\n${explain(launch.program)}`;
}
