/** `tare explain`: what would run, in the order it would. */
import { compileCgroup } from '../launch/cgroup.ts';
import { explain, explainCall } from '../launch/explain.ts';
import type { Op } from '../launch/program.ts';
import type { Engine } from './engine.ts';
import { prepare } from './prepare.ts';
import type { Prepared } from './prepared.ts';
import type { CreateOptions } from './run.ts';

export async function explainRun(engine: Engine, options: CreateOptions, asJson = false): Promise<string> {
  const { stdio: _, signal: __, ...request } = options;
  const prepared = await prepare(engine, request, { payloadFds: 3, waitForStart: false, dieWithParent: true });
  const { cgroup, launch } = prepared;
  if (asJson) return json(prepared, engine);
  const host = cgroup === undefined ? '' : `${explain(compileCgroup(cgroup, { owner: engine.owner }).program)}\n`;
  const flags = [launch.cloneFlags.text, ...(cgroup === undefined ? [] : ['CLONE_INTO_CGROUP'])]
    .filter((text) => text !== '0')
    .join('|');
  return `${host}born by clone3(${flags}), executes tare-init, which runs:\n\n${explain(launch.program)}`;
}

/** The same as data: `{clone, host: ops, child: ops}`. */
function json({ cgroup, launch }: Prepared, engine: Engine): string {
  const host = cgroup === undefined ? [] : compileCgroup(cgroup, { owner: engine.owner }).program.ops;
  return `${JSON.stringify({ clone: launch.cloneFlags.text, host: host.map(plain), child: launch.program.ops.map(plain) }, null, 2)}\n`;
}

const plain = (op: Op) => ({
  stage: op.stage,
  why: op.why,
  call: explainCall({ ...op, allow: undefined, skip: undefined }),
  ...(op.allow === undefined ? {} : { allow: op.allow }),
  ...(op.skip === undefined ? {} : { skip: op.skip }),
});
