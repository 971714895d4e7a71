/** The session, and its terminal if it has one: pty(7), credentials(7). */
import { flags, IOCTL, O, RESOLVE } from '../linux/flags.ts';
import type { Spec } from '../spec/spec.ts';
import { sendFd } from './parent.ts';
import { type Cell, cell, data, type ProgramBuilder } from './program.ts';
import { attach, cloneTree, inRootArgs, makeFile, openInRoot, retry, type RootedStage } from './stage.ts';

const terminal = flags(O, 'RDWR', 'NOCTTY', 'CLOEXEC');

export function startSession({ b }: Pick<RootedStage, 'b'>): void {
  b.op('start a session of its own', 'setsid', []);
}

/**
 * For a process that joins a container, in the container's own devpts. Whatever lies in its place, only a pty's master can do
 * what follows.
 */
export function openLaterTerminal(stage: Omit<RootedStage, 'shared'>): Cell {
  const { b, spec } = stage;
  const path = '/dev/pts/ptmx';
  const plain = flags(RESOLVE, 'IN_ROOT', 'NO_SYMLINKS');
  const master = cell('master');
  b.op('make a terminal', 'openat2', inRootArgs(stage.root, path, terminal, plain), {
    into: master,
    retry,
    hints: { ENOENT: 'the container has no devpts mounted at /dev/pts' },
  });
  const slave = openSlave(b, spec, master);
  sendFd(stage, 'terminal', 'hand the terminal to the parent', master);
  return slave;
}

/** The pty is made from the container's own devpts, so that its name means the same inside (CVE-2025-52565). Its master goes to the parent. */
export function openTerminal(stage: RootedStage, devpts: Cell | undefined): Cell {
  const { b, spec } = stage;
  const master = cell('master');
  const why = 'make a terminal';
  if (devpts === undefined)
    b.op(why, 'openat2', inRootArgs(stage.root, '/dev/ptmx', terminal), { into: master, retry });
  else b.op(why, 'openat', [devpts, 'ptmx', terminal, 0], { into: master });
  const slave = openSlave(b, spec, master);
  makeFile(stage, '/dev/console');
  const tree = cloneTree(b, 'take the terminal', slave, false);
  attach(b, 'bind it to /dev/console', tree, openInRoot(stage, 'open /dev/console to mount onto', '/dev/console'));
  sendFd(stage, 'terminal', 'hand the terminal to the parent', master);
  return slave;
}

function openSlave(b: ProgramBuilder, spec: Spec, master: Cell): Cell {
  b.op('unlock its other side', 'ioctl', [master, flags(IOCTL, 'TIOCSPTLCK'), data('{0}', [{ u64: 0 }])]);
  const slave = b.result('slave', 'open its other side', 'ioctl', [master, flags(IOCTL, 'TIOCGPTPEER'), terminal]);
  const size = spec.process.consoleSize;
  if (size !== undefined) {
    const window = data(`{rows: ${size.height}, columns: ${size.width}}`, [
      { u16: size.height },
      { u16: size.width },
      { u32: 0 },
    ]);
    b.op('set its size', 'ioctl', [slave, flags(IOCTL, 'TIOCSWINSZ'), window]);
  }
  const { uid } = spec.process.user;
  if (uid !== 0) b.op(`give the terminal to user ${uid}`, 'fchown', [slave, uid, -1]);
  return slave;
}

export function controlTerminal({ b }: Pick<RootedStage, 'b'>, slave: Cell): void {
  b.op('make it the controlling terminal', 'ioctl', [slave, flags(IOCTL, 'TIOCSCTTY'), 0]);
  for (const [fd, name] of ['standard input', 'standard output', 'standard error'].entries())
    b.op(`make it the ${name}`, 'dup3', [slave, fd, 0]);
}
