/** The C program that makes the same calls: same.c, with tare's own programs for the workload. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap } from '../../src/launch/bootstrap.ts';
import { compileCgroup } from '../../src/launch/cgroup.ts';
import { encode } from '../../src/launch/encode.ts';
import type { Cell, Program } from '../../src/launch/program.ts';
import { compileStreams } from '../../src/launch/record.ts';
import { pack } from '../../src/launch/spawn-request.ts';
import { asksForExec } from '../../src/launch/tare-init.ts';
import { builtFile } from '../../src/linux/native.ts';
import type { Candidate } from '../peer.ts';
import { prepareWorkload } from '../workload.ts';
import { buildDirectory, compileC, Stopwatch } from './stopwatch.ts';

export const sameInC: Candidate = {
  name: 'C, the same calls',
  async open() {
    mkdirSync(buildDirectory, { recursive: true });
    writeFileSync(join(buildDirectory, 'same.h'), await generate());
    return new Stopwatch([compileC('same', ['child.c', 'interpreter.c'])]);
  },
};

/** The device judge is loaded once per process, as tare does; here it gets a number that the later programs can name. */
const judgeFd = 100;

async function generate(): Promise<string> {
  const { engine, prepared } = await prepareWorkload('bench-same');
  const { launch, cgroup: plan } = prepared;
  if (plan === undefined) throw new Error('no cgroup can be made here: run as root');
  if (launch.forks || launch.newUser) throw new Error('it only knows programs that run through in one process');

  const { arch, lastCapability } = engine.host;
  const { owner } = engine;
  const tareInit = readFileSync(builtFile('tare-init'));
  const streams = compileStreams({ tareInit, execFlag: asksForExec(engine.host) });
  const first = compileCgroup(plan, { owner });
  const group = compileCgroup(plan, first.judge === undefined ? { owner } : { owner, judge: judgeFd });
  const { null: sink } = streams.fds;
  const boot = bootstrap({
    tareInit: streams.fds.tareInit,
    fds: [sink, sink, sink],
    inner: [],
    newUser: false,
    lastCapability,
  });
  const child = pack(
    0,
    { cloneFlags: launch.cloneFlags, cgroup: 0 },
    { boot, encoded: encode(boot.program, { arch }) },
    encode(launch.program, { arch }),
    arch,
  );
  const write = (name: string, bytes: Buffer): string => {
    const path = join(buildDirectory, `same.${name}`);
    writeFileSync(path, bytes);
    return JSON.stringify(path);
  };
  const bytesOf = (program: Program) => encode(program, { arch });
  const [firstBytes, groupBytes] = [bytesOf(first.program), bytesOf(group.program)];
  const place = (encoded: typeof firstBytes, cell: Cell | undefined) =>
    cell === undefined ? 0 : (encoded.cells.get(cell)?.offset ?? 0);
  return `/* Written by bench/peers/same.ts. */
#define SETUP_FILE ${write('setup', bytesOf(streams.program).bytes)}
#define FIRST_FILE ${write('first', firstBytes.bytes)}
#define GROUP_FILE ${write('group', groupBytes.bytes)}
#define CHILD_FILE ${write('child', child)}
#define JUDGE_CELL ${place(firstBytes, first.judge)}
#define JUDGE_FD ${judgeFd}
#define CGROUP_CELL ${place(groupBytes, group.cgroup)}
#define FILES ${[...group.files.map((file) => place(groupBytes, file)), 0].join(', ')}
#define CGROUP ${JSON.stringify(plan.path)}
`;
}
