/**
 * A directory of the host for one virtual machine: its memory, where that must be a file, and sockets. It lies where
 * nothing survives a reboot, and belongs to the user that QEMU runs as, for it is all that QEMU may write to.
 */
import { chownSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../container/engine.ts';
import { TareError } from '../errors.ts';
import { jailUser } from './jail.ts';

export class VmRoom implements Disposable {
  readonly path: string;
  /** The user id of QEMU; where we are not root that is our own. */
  readonly user: number;

  /** @param devices that QEMU is to use */
  constructor({ scratch, host }: Engine, id: string, devices: readonly string[]) {
    const rooms = roomsOf(scratch);
    this.user = host.rootless ? host.uid : jailUser(Math.random(), devices);
    this.path = join(rooms, `${process.pid}-${id}`);
    try {
      mkdirSync(rooms, { recursive: true, mode: 0o755 });
      removeAbandoned(rooms);
      mkdirSync(this.path, { mode: 0o700 });
      if (!host.rootless) chownSync(this.path, this.user, this.user);
    } catch (cause) {
      throw new TareError(`make ${this.path}`, { errno: (cause as NodeJS.ErrnoException).code, cause });
    }
  }

  /** Lets QEMU have what was made in it. */
  async give(path: string): Promise<void> {
    await chown(path, this.user, this.user);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const roomsOf = (scratch: string): string => join(scratch, '../vm');

/** Takes away what killed processes have left; whoever makes a room does so too. */
export function sweepRooms({ scratch }: Pick<Engine, 'scratch'>): void {
  if (existsSync(roomsOf(scratch))) removeAbandoned(roomsOf(scratch));
}

/** Of processes that were killed. Their machines have died with them. */
function removeAbandoned(rooms: string): void {
  for (const name of readdirSync(rooms)) {
    const [pid = ''] = name.split('-');
    if (!isAlive(Number(pid))) rmSync(join(rooms, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
