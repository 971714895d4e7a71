/** "POSIX-platform Hooks": programs of the host's that an engine wants to have run at certain moments of a container's life. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TareError } from '../errors.ts';
import type { Engine } from '../container/engine.ts';
import { sendSeccompListener } from '../container/listener.ts';
import { openStreams } from '../container/stdio.ts';
import { inheritedEnvironment } from './inherited.ts';
import { compileHook } from '../launch/enter.ts';
import { named } from '../linux/flags.ts';
import type { Hook, Hooks, Spec } from '../spec/spec.ts';
import { join, type Joining } from './join.ts';
import type { Saved } from './state.ts';

export interface HookContext {
  readonly engine: Engine;
  readonly hooks: Hooks | undefined;
  /** The container's state, which each hook reads from its standard input. */
  readonly state: object;
}

/** How long after its end a hook's last words may take to arrive, in ms. */
const grace = 1000;

/** Whose namespaces a hook runs in: those of the process behind the pidfd. */
export interface Inside {
  readonly spec: Spec;
  readonly pidfd: number;
}

/** A container whose own process a hook runs as: with its user, privileges, filter and groups. */
export interface Member {
  readonly saved: Saved;
  /** A pidfd of its first process. */
  readonly open: () => number;
}

/** Where a hook stands, and in what it runs: the host, a container's namespaces, or a container. */
export interface HookPlace {
  readonly directory?: string;
  readonly inside?: Inside;
  readonly member?: Member;
}

/** One after the other. @throws what the first that fails has said: the others do not run */
export async function runHooks(context: HookContext, moment: keyof Hooks, place: HookPlace = {}): Promise<void> {
  for (const [index, hook] of (context.hooks?.[moment] ?? []).entries())
    await runHook(context, `${moment} hook #${index}`, hook, place);
}

async function runHook({ engine, state }: HookContext, name: string, hook: Hook, place: HookPlace): Promise<void> {
  const doing = `error running ${name}, ${hook.path}`;
  const { inside, directory, member } = place;
  engine.spawner.listen();
  const streams = openStreams(['pipe', 'ignore', 'pipe'], engine.spawner, engine.nullFd);
  const { ignoredSignals, lastCapability } = engine.host;
  const inherited = inheritedEnvironment(process.env);
  const joining = member === undefined ? undefined : joinAs(engine, member, hook, inherited);
  const program =
    joining?.program ??
    compileHook(
      hook,
      { payloadFds: 3, ignoredSignals, inherited },
      {
        ...(directory === undefined ? {} : { directory }),
        ...(inside === undefined ? {} : { container: inside.spec }),
      },
    );
  const child = engine.spawner.spawn({
    program,
    cloneFlags: named(0, '0'),
    newUser: false,
    lastCapability,
    fds: streams.fds,
    inner: joining?.inner ?? (inside === undefined ? [] : [inside.pidfd]),
    ...(joining?.cgroup === undefined ? {} : { cgroup: joining.cgroup }),
    onStop: (op, { pid }, fd) => {
      if (op.stop !== 'seccomp' || member === undefined) return;
      const { id, spec, bundle } = member.saved;
      sendSeccompListener(engine, { id, spec, pid, bundle }, fd ?? -1);
    },
  });
  joining?.[Symbol.dispose]();
  streams.release();
  let said = '';
  const read = new Promise<void>((resolve) => {
    streams.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (said += text))
      .on('close', resolve);
  });
  streams.stdin?.on('error', () => {}); // a hook need not read its input
  streams.stdin?.end(JSON.stringify(state));
  const late = new AbortController();
  const expired = { hook: false };
  const limit = hook.timeout === undefined ? undefined : sleep(hook.timeout * 1000, undefined, { signal: late.signal });
  limit?.then(
    () => {
      expired.hook = true;
      engine.spawner.kill(child, 'SIGKILL');
    },
    () => {}, // it was in time
  );
  const ended = await child.exited;
  // What it has left behind may hold the stream for ever.
  await Promise.race([read, sleep(grace)]);
  late.abort();
  streams.close();
  if (child.failure !== undefined && !expired.hook)
    throw new TareError(`${doing}: ${child.failure.message}`, { cause: child.failure });
  if (expired.hook || ended.code !== 0)
    throw hookError(name, hook, expired.hook ? { timedOut: true } : { code: ended.code, signal: ended.signal }, said);
}

/** An image may have put its own file in a hook's place, which must get no further than the image's other programs do. */
function joinAs(engine: Engine, { saved, open }: Member, hook: Hook, inherited: readonly string[]): Joining {
  const { path, args = [path], env = inherited } = hook;
  const { terminal: _, consoleSize: __, ...rest } = saved.spec.process;
  const spec = { ...saved.spec, process: { ...rest, args: [...args], env: [...env] } };
  return join(engine, saved, spec, { pidfd: open(), payloadFds: 3, command: path });
}

export interface HookEnd {
  readonly timedOut?: boolean;
  readonly code?: number | undefined;
  readonly signal?: NodeJS.Signals | undefined;
}

/** @param said on its standard error */
export function hookError(name: string, { path, timeout }: Hook, end: HookEnd, said: string): TareError {
  const doing = `error running ${name}, ${path}`;
  if (end.timedOut === true) return new TareError(`${doing}: it took longer than its timeout of ${timeout} s`);
  const how = end.code === undefined ? `ended by ${end.signal}` : `exit status ${end.code}`;
  return new TareError(`${doing}: ${how}`, { hint: said.trim() === '' ? undefined : said.trim() });
}
