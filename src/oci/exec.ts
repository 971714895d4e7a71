/** `exec`: another process in a container's namespaces and group. */
import { TareError } from '../errors.ts';
import { sendSeccompListener } from '../container/listener.ts';
import type { Child } from '../launch/child.ts';
import type { Op } from '../launch/program.ts';
import { named } from '../linux/flags.ts';
import type { Process } from '../spec/spec.ts';
import { checkSpec } from '../spec/validate.ts';
import { checkConsole, handOverTerminal } from './console.ts';
import type { Context } from './context.ts';
import { withHome } from './home.ts';
import { withFileLimit } from './inherited.ts';
import { join } from './join.ts';
import { expectStatus, openPidfd } from './later.ts';
import { writePidFile } from './pid-file.ts';
import type { Saved } from './state.ts';

export interface ExecRequest {
  readonly process: Process;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly preserveFds: number;
  readonly ignorePaused: boolean;
  /** Takes the terminal, where no console socket does. */
  readonly onTerminal?: (fd: number) => void;
}

/** Settles when the command has been executed. */
export async function exec(context: Context, saved: Saved, request: ExecRequest): Promise<Child> {
  const { engine } = context;
  const { terminal = false } = request.process;
  if (!request.ignorePaused && context.store.status(saved) === 'paused')
    throw new TareError(`exec in container ${saved.id}: cannot exec in a paused container`, {
      hint: 'resume it first, or give --ignore-paused',
    });
  expectStatus(context, saved, 'exec in', ['created', 'running', 'paused']);
  if (request.onTerminal === undefined) checkConsole(terminal, request.consoleSocket);
  const limited = withFileLimit(request.process, process.env.TARE_OCI_NOFILE);
  const spec = checkSpec({ ...saved.spec, process: withHome(engine, limited, `/proc/${saved.pid}/root`) });
  const payloadFds = 3 + request.preserveFds;
  using joining = join(engine, saved, spec, { pidfd: openPidfd(context, saved), payloadFds });
  const { program, inner, cgroup } = joining;
  const handle = (op: Op, child: Child, fd: number | undefined): void => {
    if (op.stop === 'terminal' && fd !== undefined) {
      if (request.consoleSocket === undefined) request.onTerminal?.(fd);
      else handOverTerminal(engine, request.consoleSocket, fd);
    }
    if (op.stop === 'seccomp')
      sendSeccompListener(engine, { id: saved.id, spec, pid: child.pid, bundle: saved.bundle }, fd ?? -1);
  };
  let failure: unknown;
  engine.spawner.listen();
  const child = engine.spawner.spawn({
    program,
    cloneFlags: named(0, '0'),
    newUser: false,
    // Whom we stay with we also collect: a pid namespace ends only when all in it have been.
    unreaped: request.onTerminal === undefined,
    fds: Array.from({ length: payloadFds }, (_, fd) => fd),
    inner,
    lastCapability: engine.host.lastCapability,
    ...(cgroup === undefined ? {} : { cgroup }),
    onStop: (op, stopped, fd) => {
      try {
        handle(op, stopped, fd);
      } catch (error) {
        failure = error;
        engine.spawner.kill(stopped, 'SIGKILL');
      }
    },
  });
  await child.executed.catch((error: unknown) => {
    throw child.report ?? failure ?? error;
  });
  if (request.pidFile !== undefined) writePidFile(request.pidFile, child.pid);
  return child;
}
