/** Writes the id maps of a child that waits for them. */
import { writeFileSync } from 'node:fs';
import { TareError } from '../errors.ts';
import { helperArgs, idMapWay, mapText } from '../launch/id-maps.ts';
import { data, ProgramBuilder, strings } from '../launch/program.ts';
import { named } from '../linux/flags.ts';
import type { IdMap } from '../spec/request.ts';
import type { Spec } from '../spec/spec.ts';
import type { Engine } from './engine.ts';
import { openStreams } from './stdio.ts';

export async function writeIdMaps(engine: Engine, pid: number, linux: NonNullable<Spec['linux']>): Promise<void> {
  const { uidMappings: uids = [], gidMappings: gids = [] } = linux;
  const way = idMapWay({ uids, gids }, engine.host);
  if (way === 'helper') {
    await runHelper(engine, 'newuidmap', pid, uids);
    await runHelper(engine, 'newgidmap', pid, gids);
    return;
  }
  // Since Linux 3.19 who has no power over groups may map one only after giving setgroups(2) up (CVE-2014-8989).
  if (way === 'single') write(`/proc/${pid}/setgroups`, 'deny');
  write(`/proc/${pid}/uid_map`, mapText(uids));
  write(`/proc/${pid}/gid_map`, mapText(gids));
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new TareError(`map ids: write ${JSON.stringify(text)} to ${file}`, {
      errno: (cause as NodeJS.ErrnoException).code,
      hint: 'every host id must be ours to give: see user_namespaces(7)',
      cause,
    });
  }
}

/** newuidmap(1), set-uid root, grants what /etc/subuid says is ours. It is a process like any other, so a program starts it. */
async function runHelper(
  engine: Engine,
  name: 'newuidmap' | 'newgidmap',
  pid: number,
  maps: readonly IdMap[],
): Promise<void> {
  const path = engine.host.subordinate?.[name];
  if (path === undefined)
    throw new TareError('map more than our own id', {
      hint: 'apt-get install uidmap, and give this user a line in /etc/subuid and /etc/subgid: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME',
    });
  const b = new ProgramBuilder();
  b.op(`execute ${path}`, 'execve', [path, strings([name, ...helperArgs(pid, maps)]), data('{}', [{ address: null }])]);
  engine.spawner.listen();
  const streams = openStreams(['ignore', 'ignore', 'pipe'], engine.spawner, engine.nullFd);
  const { lastCapability } = engine.host;
  const options = { cloneFlags: named(0, '0'), newUser: false, lastCapability };
  const child = engine.spawner.spawn({ program: { ops: b.ops }, fds: streams.fds, ...options });
  streams.release();
  let said = '';
  streams.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = await child.exited;
  streams.stderr?.destroy();
  if (child.failure !== undefined) throw child.failure;
  if (ended.code !== 0)
    throw new TareError(`map ids with ${name}`, { hint: said.trim() || `it exited with ${ended.code}` });
}
