/** `create` and `run`: the straight line from a request to a container. */
import { closeSync, existsSync, mkdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { TareError } from '../errors.ts';
import type { RunRequest } from '../spec/request.ts';
import { Container, type LaunchOptions } from './container.ts';
import type { Engine } from './engine.ts';
import type { Exit } from './exit.ts';
import { openIdMapped } from './id-mapped.ts';
import { prepare } from './prepare.ts';
import type { Prepared } from './prepared.ts';
import { openStreams, type StdioChoice } from './stdio.ts';
import { sweepCgroup } from './sweep.ts';

/** What a container is to be, what it is connected to, and what may end it. */
export interface CreateOptions extends RunRequest {
  /** `pipe` unless said otherwise; a list for each of 0, 1, 2 and beyond. */
  readonly stdio?: StdioChoice;
  /** Kills the container when aborted. */
  readonly signal?: AbortSignal;
}

/** A container whose payload waits for `start`. */
export async function create(engine: Engine, options: CreateOptions): Promise<Container> {
  const container = await launch(engine, options, { waitForStart: true, stdio: options.stdio ?? 'pipe' });
  try {
    await container.ready();
    return container;
  } catch (error) {
    await container[Symbol.asyncDispose]();
    options.signal?.throwIfAborted();
    throw error;
  }
}

/** A container from its start to its end. Rejects with the step that failed, or with the signal's reason. */
export async function run(engine: Engine, options: CreateOptions): Promise<Exit> {
  await using container = await launch(engine, options, { waitForStart: false, stdio: options.stdio ?? 'inherit' });
  container.stdin?.end();
  const [stdout, stderr] = [container.stdout, container.stderr].map((stream) => {
    const said = stream === undefined ? undefined : text(stream);
    said?.catch(() => {}); // of a container that fails nobody asks what it said
    return said;
  });
  const exit = await container.exited.finally(() => options.signal?.throwIfAborted());
  return { ...exit, ...(stdout ? { stdout: await stdout } : {}), ...(stderr ? { stderr: await stderr } : {}) };
}

/** The common part; `tare trace` and `tare step` come in here. */
export async function launch(
  engine: Engine,
  options: CreateOptions,
  how: { waitForStart: boolean; stdio: StdioChoice } & LaunchOptions,
): Promise<Container> {
  const { stdio: _, signal, ...request } = options;
  signal?.throwIfAborted();
  const payloadFds = typeof how.stdio === 'object' ? Math.max(3, how.stdio.length) : 3;
  const prepared = await prepare(engine, request, { payloadFds, waitForStart: how.waitForStart, dieWithParent: true });
  if (request.upper !== undefined) makeUpper(request.upper);
  const streams = openStreams(how.stdio, engine.spawner, engine.nullFd);
  let mapped: number[] = [];
  let container: Container;
  try {
    mapped = await openIdMapped(engine, prepared);
    container = await start(() => new Container(engine, prepared, streams, mapped, how), engine, prepared);
  } catch (error) {
    streams.close();
    throw error;
  } finally {
    for (const fd of mapped) closeSync(fd);
  }
  container.ready().then(
    () => engine.leftovers.tend(),
    () => {},
  );
  if (signal !== undefined) {
    const abort = () => container.kill('SIGKILL');
    if (signal.aborted) abort(); // while we prepared
    signal.addEventListener('abort', abort, { once: true });
    const forget = () => signal.removeEventListener('abort', abort);
    container.exited.then(forget, forget);
  }
  return container;
}

/** Once more where the name was taken by a container whose process was killed, and whose group that process left. */
async function start(make: () => Container, engine: Engine, { cgroup }: Prepared): Promise<Container> {
  try {
    return make();
  } catch (error) {
    const taken = error instanceof TareError && error.errno === 'EEXIST';
    if (!taken || cgroup === undefined || !(await sweepCgroup(engine, cgroup.path))) throw error;
    return make();
  }
}

const full: Record<string, string> = { ENOSPC: 'the filesystem is full', EROFS: 'the filesystem is read-only' };

/** With what leads there; one after the other, since Node's recursive mkdir says ENOENT of a read-only filesystem. */
function makeUpper(directory: string): void {
  for (const path of [directory, `${directory}/upper`, `${directory}/work`]) {
    try {
      if (!existsSync(path)) mkdirSync(path, { recursive: path === directory });
    } catch (cause) {
      const errno = (cause as NodeJS.ErrnoException).code ?? '';
      throw new TareError(`make ${path}`, { errno, hint: full[errno], cause });
    }
  }
}
