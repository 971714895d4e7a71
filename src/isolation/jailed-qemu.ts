/** QEMU in its jail: vm/'s door to the container engine. */
import { closeSync, mkdirSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Container } from '../container/container.ts';
import type { Engine } from '../container/engine.ts';
import { launch } from '../container/run.ts';
import { cell, data, ProgramBuilder } from '../launch/program.ts';
import { AF, flags, SOCK } from '../linux/flags.ts';
import { findQemu, type Qemu, type QemuExit, type StartQemu } from '../vm/qemu.ts';
import { jailRequest, jailUser } from './jail.ts';

/** Starts QEMUs in containers of this engine. */
export const jailedIn =
  (engine: Engine): StartQemu =>
  async (options) => {
    const facts = {
      qemu: findQemu(),
      emptyRoot: emptyRoot(engine),
      rootless: engine.host.rootless,
      user: options.user ?? jailUser(Math.random(), options.devices),
      grantable: engine.cgroups.grantable,
    };
    const request = jailRequest(options, facts);
    const [channel, monitor] = [socketPair(engine), socketPair(engine)];
    const fds = [channel.theirs, monitor.theirs];
    const open = options.file === undefined ? fds : [...fds, options.file];
    try {
      const stdio = ['ignore', 'pipe', 'pipe', ...open] as const;
      const container = await launch(engine, request, { waitForStart: false, stdio });
      return new JailedQemu(container, channel.ours, monitor.ours);
    } catch (error) {
      channel.ours.destroy();
      monitor.ours.destroy();
      throw error;
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  };

class JailedQemu implements Qemu {
  readonly #container: Container;
  readonly channel: Socket;
  readonly monitor: Socket;
  readonly console: Socket;
  readonly complaints: Socket;
  readonly exited: Promise<QemuExit>;

  constructor(container: Container, channel: Socket, monitor: Socket) {
    const { stdout, stderr } = container;
    if (stdout === undefined || stderr === undefined) throw new Error('its outputs are pipes');
    this.#container = container;
    this.channel = channel;
    this.monitor = monitor;
    this.console = stdout;
    this.complaints = stderr;
    this.exited = container.exited.then(({ code, signal, oom }) => ({ code, signal, oom: oom !== undefined }));
    this.exited.catch(() => {}); // whoever waits is told
  }

  get pid(): number {
    return this.#container.pid;
  }

  kill(): void {
    this.#container.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.channel.destroy();
    this.monitor.destroy();
    await this.#container[Symbol.asyncDispose]();
  }
}

/** A directory for nothing: what the jail has is mounted into it. */
function emptyRoot({ scratch }: Engine): string {
  const path = join(scratch, '../empty');
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}

function socketPair({ spawner }: Engine): { readonly ours: Socket; readonly theirs: number } {
  const [ours, theirs] = [cell('ours'), cell('theirs')];
  const pair = data('{ours, theirs}', [
    { cell: ours, width: 4 },
    { cell: theirs, width: 4 },
  ]);
  const b = new ProgramBuilder();
  b.op('make a pair of sockets', 'socketpair', [flags(AF, 'UNIX'), flags(SOCK, 'STREAM', 'CLOEXEC'), 0, pair], {
    hints: { EMFILE: 'raise the limit on open files: ulimit -n' },
  });
  const cells = spawner.run({ ops: b.ops });
  const socket = new Socket({ fd: cells.get(ours) ?? -1, readable: true, writable: true });
  return { ours: socket, theirs: cells.get(theirs) ?? -1 };
}
