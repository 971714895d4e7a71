/**
 * `tare step`: stops before each call, says why it is there, and shows what the last one changed, from the host's side. A
 * second terminal can look as well: the process stands still, and its pid is on the screen.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import type { Container } from '../container/container.ts';
import { TareError } from '../errors.ts';
import { describeChange, type Snapshot } from '../launch/change.ts';
import { explainCall } from '../launch/explain.ts';
import type { Program } from '../launch/program.ts';
import { untilFiltered, weave } from '../launch/step.ts';
import { readCgroupMembership, readMountinfo, readNamespaces, readStatus } from '../linux/proc.ts';
import { startForeground } from './foreground.ts';
import { parseStep } from './parse-run.ts';
import { prepare } from './prepare.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('step', parseStep, argv, session);
  if (command === undefined) return 0;
  if (command.tty || command.interactive)
    throw new TareError('step with -i or -t', { hint: 'standard input is the debugger’s: leave them out' });
  const stepper = new Stepper(session);
  const { running: container, ended } = await startForeground(command, {
    change: (program) => stepper.weave(program),
    onStep: (index, go) => void stepper.stop(index, go),
  });
  stepper.container = container;
  try {
    const exit = await ended;
    if (stepper.aborted) return 125;
    session.print(`\nThe payload has ended with exit code ${exit.exitCode}.\n`);
    return exit.exitCode;
  } catch (error) {
    if (stepper.aborted) return 125;
    throw error;
  } finally {
    stepper.close();
  }
}

const help = `  next, n, or just Enter   make this call, stop before the following one
  next COUNT               make so many calls
  stage, s                 go on to the next stage
  continue, c              go on without stopping
  abort, a                 kill the container: nothing is left of it
  help, ?                  this
`;

class Stepper {
  container: Container | undefined;
  aborted = false;
  readonly #session: Session;
  readonly #lines: Interface;
  readonly #queue: string[] = [];
  #waiting: ((line: string | undefined) => void) | undefined;
  #closed = false;
  #original: readonly number[] = [];
  #program: Program = { ops: [] };
  #before: Snapshot | undefined;
  #stage = '';
  /** Stops to pass silently: a count, until another stage, or all of them. */
  #passing: number | 'stage' | 'all' = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#lines = createInterface({ input: process.stdin });
    this.#lines.on('line', (line) => this.#offer(line));
    this.#lines.on('close', () => {
      this.#closed = true;
      this.#waiting?.(undefined);
    });
  }

  close(): void {
    this.#lines.close();
  }

  weave(program: Program): Program {
    const woven = weave(program, untilFiltered(program));
    this.#program = program;
    this.#original = woven.original;
    return woven.program;
  }

  async stop(wovenIndex: number, go: () => void): Promise<void> {
    const index = this.#original[wovenIndex] ?? 0;
    const op = this.#program.ops[index];
    const container = await this.#launched();
    if (op === undefined) return go();
    const now = snapshot(container.pid);
    const changes = this.#before === undefined || now === undefined ? [] : describeChange(this.#before, now);
    this.#before = now;
    for (const change of changes) this.#session.print(`        → ${change}\n`);
    if (op.stage !== this.#stage) this.#enter(op.stage, container.pid);
    this.#session.print(`${String(index).padStart(4)}  ${op.why}\n      ${explainCall(op)}\n`);
    if (this.#mayPass()) return go();
    await this.#ask(go);
  }

  #enter(stage: string, pid: number): void {
    this.#stage = stage;
    if (this.#passing === 'stage') this.#passing = 0;
    this.#session.print(`\n${stage}  (pid ${pid}: look at /proc/${pid} from another terminal)\n`);
  }

  #mayPass(): boolean {
    if (this.#passing === 'all' || this.#passing === 'stage') return true;
    if (this.#passing === 0) return false;
    this.#passing -= 1;
    return true;
  }

  async #ask(go: () => void): Promise<void> {
    for (;;) {
      this.#session.print('(step) ');
      const line = await this.#nextLine();
      if (!process.stdin.isTTY) this.#session.print('\n'); // nobody has typed the line end
      if (line === undefined) return this.#abort();
      const [word = '', count] = line.trim().split(/\s+/);
      if (['', 'n', 'next'].includes(word)) this.#passing = Math.max(0, Number(count ?? 1) - 1) || 0;
      else if (['s', 'stage'].includes(word)) this.#passing = 'stage';
      else if (['c', 'continue'].includes(word)) this.#passing = 'all';
      else if (['a', 'abort', 'q', 'quit'].includes(word)) return this.#abort();
      else {
        this.#session.print(['help', '?', 'h'].includes(word) ? help : `no such command: ${word}\n${help}`);
        continue;
      }
      return go();
    }
  }

  #abort(): void {
    this.aborted = true;
    this.#session.print('\naborted: the container is killed\n');
    this.container?.kill('SIGKILL');
  }

  /** The first stop may come before `startForeground` has returned. */
  async #launched(): Promise<Container> {
    while (this.container === undefined) await new Promise((resolve) => setImmediate(resolve));
    return this.container;
  }

  #offer(line: string): void {
    if (this.#waiting === undefined) this.#queue.push(line);
    else this.#waiting(line);
  }

  async #nextLine(): Promise<string | undefined> {
    const ready = this.#queue.shift();
    if (ready !== undefined || this.#closed) return ready;
    return new Promise((resolve) => {
      this.#waiting = (line) => {
        this.#waiting = undefined;
        resolve(line);
      };
    });
  }
}

/** `undefined` where the process is not ours to look into any more. */
function snapshot(pid: number): Snapshot | undefined {
  try {
    const link = (name: string) => readlinkSync(`/proc/${pid}/${name}`);
    const fds = readdirSync(`/proc/${pid}/fd`).map((fd): [number, string] => [Number(fd), link(`fd/${fd}`)]);
    return {
      namespaces: readNamespaces(pid),
      mounts: readMountinfo(pid),
      status: readStatus(pid),
      cgroups: readCgroupMembership(pid),
      fds: Object.fromEntries(fds),
      root: link('root'),
      cwd: link('cwd'),
    };
  } catch {
    return undefined;
  }
}
