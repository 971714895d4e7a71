/** The C program that makes the container's calls and no others: compiles launch.c with tare's own program for the workload. */
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { archValue } from '../../src/linux/flags.ts';
import { compileCgroup } from '../../src/launch/cgroup.ts';
import type { Candidate } from '../peer.ts';
import { prepareWorkload } from '../workload.ts';
import { programSource } from './program-source.ts';
import { buildDirectory, compileC, Stopwatch } from './stopwatch.ts';

export const launchInC: Candidate = {
  name: 'C, no tare-init',
  async open() {
    mkdirSync(buildDirectory, { recursive: true });
    writeFileSync(join(buildDirectory, 'program.h'), await generate());
    return new Stopwatch([compileC('launch')]);
  },
};

/** The device judge is loaded once per process, as tare does; here it gets a number that the later programs can name. */
const keepAs = 100;

async function generate(): Promise<string> {
  const { engine, prepared } = await prepareWorkload('bench-launch');
  const { launch, cgroup: plan } = prepared;
  if (plan === undefined) throw new Error('no cgroup can be made here: run as root');
  if (launch.forks || launch.newUser) throw new Error('it only knows programs that run through in one process');

  const { arch } = engine.host;
  const { owner } = engine;
  const first = compileCgroup(plan, { owner });
  const firstSource = programSource(first.program, { arch, name: 'first', known: new Map() });
  const group = compileCgroup(plan, first.judge === undefined ? { owner } : { owner, judge: keepAs });
  const host = programSource(group.program, { arch, name: 'host', known: new Map() });
  const { report } = launch.program;
  const known = new Map(report === undefined ? [] : [[report, 'sync_socket']]);
  const child = programSource(launch.program, { arch, name: 'child', known });
  const opened = [...group.files, group.cgroup].map((cell) => host.variable(cell));
  return `/* Written by bench/peers/launch.ts. */
${firstSource.text}
${host.text}
${child.text}
static void close_host(void) {
${opened.map((fd) => `  if (${fd} > 2) close(${fd});`).join('\n')}
}

#define KEPT_FD ${first.judge === undefined ? -1 : firstSource.variable(first.judge)}
#define KEEP_AS ${keepAs}
#define CGROUP ${JSON.stringify(plan.path)}
#define CGROUP_FD ${host.variable(group.cgroup)}
#define CLONE_FLAGS ${archValue(launch.cloneFlags.value, arch)}ULL
`;
}
