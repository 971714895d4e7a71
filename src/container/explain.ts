/** `tare explain`: what would run, in the order it would. */
import { compileCgroup } from '../launch/cgroup.ts';
import { explainCall, type Explanation } from '../launch/explain.ts';
import { moveIn } from '../launch/net-devices.ts';
import type { Op } from '../launch/program.ts';
import type { Engine } from './engine.ts';
import { prepare } from './prepare.ts';
import type { CreateOptions } from './run.ts';

/** As data: `{clone, host: ops, child: ops, devices?: ops}`. */
export async function explainRun(engine: Engine, options: CreateOptions): Promise<Explanation> {
  const { stdio: _, signal: __, ...request } = options;
  const how = { payloadFds: 3, waitForStart: false, dieWithParent: true };
  const { cgroup, launch, netDevices } = await prepare(engine, request, how);
  const host = cgroup === undefined ? undefined : compileCgroup(cgroup, { owner: engine.owner }).program;
  const moves = netDevices.length === 0 ? undefined : moveIn(netDevices);
  const flags = [launch.cloneFlags.text, ...(host === undefined ? [] : ['CLONE_INTO_CGROUP'])]
    .filter((text) => text !== '0')
    .join('|');
  return {
    chapters: [
      ...(host === undefined ? [] : [{ program: host }]),
      { title: `born by clone3(${flags}), executes tare-init, which runs:`, program: launch.program },
      ...(moves === undefined
        ? []
        : [{ title: 'where it has network devices moved, another process runs:', program: moves }]),
    ],
    data: {
      clone: launch.cloneFlags.text,
      host: (host?.ops ?? []).map(plain),
      child: launch.program.ops.map(plain),
      ...(moves === undefined ? {} : { devices: moves.ops.map(plain) }),
    },
  };
}

const plain = (op: Op) => ({
  stage: op.stage,
  why: op.why,
  call: explainCall({ ...op, allow: undefined, skip: undefined }),
  ...(op.allow === undefined ? {} : { allow: op.allow }),
  ...(op.skip === undefined ? {} : { skip: op.skip }),
});
