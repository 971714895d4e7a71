/** The server of a guest's volumes, from its start to its end. */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { TareError } from '../errors.ts';
import type { Child } from '../launch/child.ts';
import type { Spawner } from '../launch/spawn.ts';
import { CLONE, flags } from '../linux/flags.ts';
import { type Host, onPath } from '../linux/host.ts';
import type { Volume as PlacedVolume } from './guest-payload.ts';
import { volumeDirectory } from './guest-program.ts';
import { serverProgram, type Volume } from './volume-program.ts';

/** Debian's QEMU keeps its own out of PATH; the one written in Rust lies in either place. */
const usualPlaces = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd'];

export interface VolumesOptions {
  readonly spawner: Spawner;
  readonly host: Pick<Host, 'rootless' | 'uid' | 'gid' | 'lastCapability'>;
  /** An empty directory of ours. Beside it come the socket, `DIRECTORY.sock`, and what the server says, `DIRECTORY.log`. */
  readonly directory: string;
  readonly volumes: readonly Omit<Volume, 'kind'>[];
}

/** The path of a virtiofsd on this host, if there is one. */
export function findVirtiofsd(): string | undefined {
  return usualPlaces.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile()) ?? onPath('virtiofsd');
}

/** A server that runs. Disposing of it kills it. */
export class VolumeServer implements AsyncDisposable {
  /** Where QEMU connects. It belongs to this user, and so does the right to connect. */
  readonly socket: string;
  /** Where a guest finds each, by its path on the host. */
  readonly places: ReadonlyMap<string, PlacedVolume>;
  readonly #spawner: Spawner;
  readonly #child: Child;
  readonly #log: string;

  private constructor(spawner: Spawner, child: Child, socket: string, log: string, volumes: readonly Volume[]) {
    this.#spawner = spawner;
    this.#child = child;
    this.socket = socket;
    this.#log = log;
    this.places = new Map(volumes.map(({ source, kind }, index) => [source, { path: volumeDirectory(index), kind }]));
  }

  /**
   * Settles when QEMU may connect.
   *
   * @throws {@link TareError} where there is no virtiofsd, a source is missing, or the step that failed
   */
  static async start({ spawner, host, directory, volumes }: VolumesOptions): Promise<VolumeServer> {
    const program = findVirtiofsd();
    if (program === undefined) {
      throw new TareError('serve volumes to a machine: there is no virtiofsd', {
        errno: 'ENOENT',
        hint: 'apt-get install qemu-system-common, or virtiofsd where there is such a package',
      });
    }
    const known = volumes.map(lookAt);
    const [socket, log] = [`${directory}.sock`, `${directory}.log`];
    const launch = serverProgram({
      program,
      directory,
      socket,
      volumes: known,
      ...(host.rootless ? { owner: { uid: host.uid, gid: host.gid } } : {}),
    });
    const [nothing, said] = [openSync('/dev/null', 'r'), openSync(log, 'w', 0o600)];
    try {
      const child = spawner.spawn({
        program: launch,
        cloneFlags: flags(CLONE, 'NEWPID', ...(host.rootless ? (['NEWUSER'] as const) : [])),
        fds: [nothing, said, said],
        newUser: host.rootless,
        lastCapability: host.lastCapability,
      });
      await child.executed;
      return new VolumeServer(spawner, child, socket, log, known);
    } finally {
      closeSync(nothing);
      closeSync(said);
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Settles when the server has ended, as it does when QEMU lets go of it, with the last it said. */
  async ended(): Promise<string> {
    await this.#child.exited;
    return readFileSync(this.#log, 'utf8').trim().split('\n').slice(-3).join('; ');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#spawner.kill(this.#child, 'SIGKILL');
    await this.#child.exited;
  }
}

function lookAt(volume: Omit<Volume, 'kind'>): Volume {
  const { source } = volume;
  try {
    return { ...volume, kind: statSync(source).isDirectory() ? 'directory' : 'file' };
  } catch (cause) {
    throw new TareError(`share ${source} with a machine`, {
      errno: (cause as NodeJS.ErrnoException).code ?? 'EIO',
      cause,
    });
  }
}
