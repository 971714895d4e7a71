/** A command in the foreground: its streams, its terminal and the signals meant for it. */
import { isatty } from 'node:tty';
import { TareError } from '../errors.ts';
import { Engine } from '../container/engine.ts';
import type { Container, LaunchOptions } from '../container/container.ts';
import type { Exit } from '../container/exit.ts';
import { launch } from '../container/run.ts';
import type { Stdio } from '../container/stdio.ts';
import type { Isolated } from '../isolation/isolation.ts';
import { openNative } from '../linux/native.ts';
import type { RunRequest } from '../spec/request.ts';
import { bridgeTerminal, forwardSignals, windowSize } from './attach.ts';
import type { RunCommand } from './run-command.ts';
import type { Session } from './session.ts';

/** How long to stand still for a container that may end soon, in ms: signals that come meanwhile wait. */
const patience = 50;

export interface Foreground<Running extends Isolated = Isolated> {
  readonly running: Running;
  readonly engine: Engine;
  /** Settles when the command and all that was made for it is gone. */
  readonly ended: Promise<Exit>;
}

export interface ForegroundOptions extends LaunchOptions {
  /** Where its standard output goes, without a terminal; our own unless said otherwise. */
  readonly outputFd?: number;
}

/** Behind whichever wall was asked for. */
export async function startIsolated(
  command: RunCommand,
  session: Session,
  options: Pick<ForegroundOptions, 'trace' | 'outputFd'> = {},
): Promise<Foreground> {
  return command.isolation === 'vm' ? startMachine(command, session, options) : startForeground(command, options);
}

/** A container, or a process, which is one without walls. */
export async function startForeground(
  command: RunCommand,
  options: ForegroundOptions = {},
): Promise<Foreground<Container>> {
  const { tty, interactive, isolation } = command;
  const request = requestOf(command);
  const engine = new Engine(openNative(), false);
  const chosen = isolation === 'process' ? (await import('../isolation/process.ts')).asProcess(request) : request;
  const how = { ...options, waitForStart: false, stdio: streamsOf(command, options) };
  const container = await launch(engine, chosen, how);
  const forget = forwardSignals(container);
  if (container.stops || !engine.spawner.attend(patience)) engine.spawner.listen();
  const restore = tty ? await bridgeTerminal(container, interactive) : async () => {};
  return { running: container, engine, ended: endOf(container, forget, restore) };
}

async function startMachine(command: RunCommand, session: Session, options: ForegroundOptions): Promise<Foreground> {
  const { tty, interactive, machine } = command;
  const request = requestOf(command);
  const { vmIsolation } = await import('../isolation/vm.ts');
  const engine = new Engine();
  const stop = new AbortController();
  const unlisten = stopBySignal(stop);
  const asked = { ...request, stdio: streamsOf(command, options), vm: machine, signal: stop.signal };
  const say = (line: string) => session.complain(`tare: ${line}\n`);
  const running = await vmIsolation.start(engine, { ...asked, say }, options).finally(unlisten);
  const forget = forwardSignals(running);
  const restore = tty ? await bridgeTerminal(running, interactive) : async () => {};
  return { running, engine, ended: endOf(running, forget, restore) };
}

/** While a guest boots there is nobody in it yet who could be told. */
function stopBySignal(stop: AbortController): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handlers = signals.map((signal) => {
    const handler = () => stop.abort(new TareError(`boot the guest: ended by ${signal}`));
    process.once(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => handlers.forEach((forget) => forget());
}

function requestOf({ tty, interactive, request }: RunCommand): RunRequest {
  if (tty && interactive && !isatty(0))
    throw new TareError('use -i with -t', { hint: 'standard input is not a terminal: leave -t out' });
  return tty ? { ...request, terminal: true, ...windowSize() } : request;
}

const streamsOf = ({ tty, interactive }: RunCommand, { outputFd }: ForegroundOptions): Stdio[] =>
  tty ? ['ignore', 'ignore', 'ignore'] : [interactive ? 'inherit' : 'ignore', outputFd ?? 'inherit', 'inherit'];

async function endOf(running: Isolated, forget: () => void, restore: () => Promise<void>): Promise<Exit> {
  try {
    return await running.exited;
  } finally {
    forget();
    await restore();
  }
}
