/** QEMU's process, whoever has started it, and where its program is. */
import type { Duplex, Readable } from 'node:stream';
import { TareError } from '../errors.ts';
import { onPath } from '../linux/host.ts';

const qemuTool = { program: 'qemu-system-x86_64', package: 'qemu-system-x86' };

/** What QEMU is started with, besides a place to run in. */
export interface QemuOptions {
  readonly name: string;
  readonly argv: readonly string[];
  /** Files and directories of the host that it reads, at the paths where `argv` names them. */
  readonly reads: readonly string[];
  /** The same for what it writes to. */
  readonly writes: readonly string[];
  /** Device nodes it needs, such as /dev/kvm. */
  readonly devices: readonly string[];
  /** Where it speaks for the guest: on the host's network, on that of a namespace, or nowhere. */
  readonly network: 'none' | 'host' | { readonly path: string };
  /** The user id to run as, where we may choose; one of its own where absent. */
  readonly user?: number;
  /** A file of ours that it gets open, after the channel and the monitor: a snapshot's state. */
  readonly file?: number;
}

/** The numbers of what QEMU gets open, for `Machine`. */
export const qemuFds = { channel: 3, monitor: 4, file: 5 } as const;

export interface QemuExit {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** The kernel ended it for want of memory. */
  readonly oom: boolean;
}

/** A QEMU that runs. Disposing of it kills it, and waits until it is gone. */
export interface Qemu extends AsyncDisposable {
  readonly pid: number;
  readonly channel: Duplex;
  readonly monitor: Duplex;
  /** What the guest prints. */
  readonly console: Readable;
  /** What QEMU complains of. */
  readonly complaints: Readable;
  /** Settles when it is gone; rejects where it could not be started. */
  readonly exited: Promise<QemuExit>;
  kill(): void;
}

/** One way to start QEMU: in a jail, or as it is. */
export type StartQemu = (options: QemuOptions) => Promise<Qemu>;

/** The path of QEMU. @throws TareError with the `apt-get` line */
export function findQemu(): string {
  const path = onPath(qemuTool.program);
  if (path !== undefined) return path;
  throw new TareError(`run a virtual machine: there is no ${qemuTool.program}`, {
    errno: 'ENOENT',
    hint: `apt-get install ${qemuTool.package}`,
  });
}
