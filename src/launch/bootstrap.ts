/**
 * What the child of clone3 does on its parent's memory, while the parent's thread stands still: put its file descriptors
 * where the program expects them and execute tare-init. Pure; a dozen calls; nothing here may touch memory but its own cells.
 */
import { AT, CLOSE_RANGE, F, flags, PR, PR_CAP_AMBIENT } from '../linux/flags.ts';
import { setCapabilities } from './identity.ts';
import { type Cell, cell, data, type Program, ProgramBuilder, strings } from './program.ts';

export interface Bootstrap {
  readonly program: Program;
  /** Filled in by native/spawn.c: the fd of the program's memory, and of the child's end of the sync socket. */
  readonly memory: Cell;
  readonly sync: Cell;
}

export interface BootstrapOptions {
  /** fd of the sealed memfd that holds tare-init. */
  readonly tareInit: number;
  /** The child's fds 0, 1, 2 … in this process. The program's memory and the sync socket follow, then `inner`. */
  readonly fds: readonly number[];
  /** Fds the program uses and closes: they never reach the payload. */
  readonly inner: readonly number[];
  /** Born in a user namespace without id maps: execve would drop all capabilities but the ambient ones. */
  readonly newUser: boolean;
  /** The highest capability this kernel knows. */
  readonly lastCapability: number;
}

/** Where the program finds its own memory, the sync socket, and the inner fds: right behind the payload's. */
export const memoryFd = (payloadFds: number): number => payloadFds;
export const syncFd = (payloadFds: number): number => payloadFds + 1;
export const innerFd = (payloadFds: number, index: number): number => payloadFds + 2 + index;

export function bootstrap(options: BootstrapOptions): Bootstrap {
  const memory = cell('memory');
  const sync = cell('sync');
  const sources = [...options.fds, memory, sync, ...options.inner];
  const first = sources.length;

  const b = new ProgramBuilder().stage('bootstrap');
  // A source may lie where another belongs: all are moved out of the way before any takes its place.
  const move = (from: number | Cell) =>
    b.result('moved', 'move a file descriptor out of the way', 'fcntl', [from, flags(F, 'DUPFD_CLOEXEC'), first]);
  const moved = sources.map(move);
  const init = move(options.tareInit);
  moved.forEach((from, to) => b.op(`put file descriptor ${to} in place`, 'dup3', [from, to, 0]));
  b.op('let nothing else of the parent reach the program', 'close_range', [
    first,
    0xffffffff,
    flags(CLOSE_RANGE, 'CLOEXEC'),
  ]);
  if (options.newUser) keepCapabilities(b, options.lastCapability);
  const words = strings(['tare-init', String(memoryFd(options.fds.length))]);
  const execution = [init, '', words, data('{}', [{ address: null }]), flags(AT, 'EMPTY_PATH')];
  b.op('execute tare-init', 'execveat', execution, {
    hints: { ENOMEM: 'memory ran out: give it a larger --memory' },
  });
  return { program: { ops: b.ops }, memory, sync };
}

function keepCapabilities(b: ProgramBuilder, last: number): void {
  const all = Array.from({ length: last + 1 }, (_, capability) => capability);
  setCapabilities(b, 'make every capability inheritable', { effective: all, permitted: all, inheritable: all });
  for (const capability of all) {
    b.op('keep a capability across execve', 'prctl', [
      flags(PR, 'CAP_AMBIENT'),
      flags(PR_CAP_AMBIENT, 'RAISE'),
      capability,
      0,
      0,
    ]);
  }
}
