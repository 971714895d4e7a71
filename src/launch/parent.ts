/** How the child speaks to its parent while it is being made, and how their lives are tied. The protocol: native/launch.h. */
import { CLONE, CLOSE_RANGE, flags, MSG, named, O, PR, SIG } from '../linux/flags.ts';
import { type Cell, cell, data, type Data, type Field, type Stop } from './program.ts';
import type { Stage } from './stage.ts';

const messageFields: readonly Field[] = [{ self: true }, { u32: 1 }, { u32: 0 }, { u32: 0 }];
const message = (name: Stop): Data => data(`{STOPPED: ${name}}`, messageFields);
const noSignal = flags(MSG, 'NOSIGNAL');
const gone = 'the process that started this container has ended';

/** Says that it has got here, and waits for one byte. */
export function stopAndWait(stage: Pick<Stage, 'b' | 'sync'>, stop: Stop, why: string): void {
  const { b, sync } = stage;
  b.op(why, 'sendto', [sync, message(stop), 16, noSignal, 0, 0], { stop, hints: { EPIPE: gone } });
  b.op(`${why}: wait`, 'read', [sync, data('{byte}', [{ u64: 0 }]), 1], { min: 1, short: gone });
}

/** `struct msghdr` of sendmsg(2): a block, and with it an open file (unix(7), SCM_RIGHTS). */
export function messageWithFile(text: string, block: Data, size: number, file: Field): Data {
  const part = data('{iov}', [{ address: block }, { u64: size }]);
  const rights = data('{SCM_RIGHTS}', [{ u64: 20 }, { u32: 1 }, { u32: 1 }, file, { u32: 0 }]);
  const name = [{ address: null }, { u64: 0 }];
  return data(text, [...name, { address: part }, { u64: 1 }, { address: rights }, { u64: 24 }, { u64: 0 }]);
}

/**
 * The payload's files, the start socket, and that to the parent, which follows: all else goes while no filter can forbid it yet.
 *
 * @param rest the first fd of all else
 */
export function keepStartSocket({ b, facts }: Pick<Stage, 'b' | 'facts'>, socket: number, rest: number): void {
  b.op("keep the start socket behind the payload's files", 'dup3', [socket, facts.payloadFds, flags(O, 'CLOEXEC')]);
  b.op('let go of all else', 'close_range', [rest, 0xffffffff, named(0, '0')]);
}

/**
 * Says that it has got here, and waits for whoever writes to the start socket, when the parent may be long gone. Meanwhile other
 * processes can enter its namespaces: they find no file of the host's open in it, and cannot trace it (CVE-2016-9962). A filter
 * may be there already: what follows are calls that the oldest profiles know.
 */
export function stopUntilTold({ b, sync, facts }: Pick<Stage, 'b' | 'sync' | 'facts'>, why: string): void {
  b.op(why, 'sendto', [sync, message('start'), 16, noSignal, 0, 0], { stop: 'start', hints: { EPIPE: gone } });
  b.op('be closed to those who share its namespaces', 'prctl', [flags(PR, 'SET_DUMPABLE'), 0, 0, 0, 0]);
  b.op('let go of the parent', 'close', [sync]);
  b.op('wait until somebody says start', 'read', [facts.payloadFds, data('{byte}', [{ u64: 0 }]), 1], { min: 1 });
}

/** Hands an open file to the parent. The cell lives in the message itself: the call that opened it has put it there. */
export function sendFd(stage: Pick<Stage, 'b' | 'sync'>, stop: Stop, why: string, fd: Cell): void {
  const { b, sync } = stage;
  const text = `{STOPPED: ${stop}, SCM_RIGHTS: $${fd.name}}`;
  const header = messageWithFile(text, message(stop), 16, { cell: fd, width: 4 });
  b.op(why, 'sendmsg', [sync, header, noSignal], { stop, hints: { EPIPE: gone } });
}

type Forking = Pick<Stage, 'b' | 'sync'> & { readonly facts: Pick<Stage['facts'], 'dieWithParent'> };

/**
 * The kernel tells a child of its parent's death from the moment it asks to be told; that the parent has not died just
 * before is seen from the socket. Setting other ids forgets the request, so it is made once more after that.
 */
export function dieWithParent({ b, facts, sync }: Forking): void {
  if (!facts.dieWithParent) return;
  b.op('end when the parent ends', 'prctl', [flags(PR, 'SET_PDEATHSIG'), flags(SIG, 'KILL'), 0, 0, 0]);
  const peek = [sync, data('{byte}', [{ u64: 0 }]), 1, flags(MSG, 'PEEK', 'DONTWAIT'), 0, 0];
  b.op('see that it has not ended already', 'recvfrom', peek, { min: 1, allow: ['EAGAIN'], short: gone });
}

/** No fd of the runtime's outlives execve (CVE-2024-21626). */
export function closeOnExec({ b, facts }: { b: Stage['b']; facts: Pick<Stage['facts'], 'payloadFds'> }): void {
  const rest = [facts.payloadFds, 0xffffffff, flags(CLOSE_RANGE, 'CLOEXEC')];
  b.op('let no file of the runtime reach the payload', 'close_range', rest, {
    hints: { EINVAL: 'needs Linux 5.11 or later' },
  });
}

/**
 * A process enters a pid namespace by being made in it. CLONE_PARENT makes the new one our parent's child, as we are; the
 * old one hands over its pidfd and leaves. Should it not come to that, the parent finds the pid in our memory: a child that
 * nobody reaps keeps the pid namespace from ending.
 */
export function forkIntoNamespaces(stage: Forking, successor: Cell): void {
  const { b } = stage;
  const pidfd = cell('child');
  const args = data(`{flags: CLONE_PARENT|CLONE_PIDFD|CLONE_PARENT_SETTID, parent_tid: &$${successor.name}}`, [
    { u64: flags(CLONE, 'PARENT', 'PIDFD', 'PARENT_SETTID') },
    { slot: pidfd },
    { u64: 0 },
    { slot: successor },
    ...Array.from({ length: 7 }, () => ({ u64: 0 })),
  ]);
  b.unless('make the process that is in the pid namespace', 'clone3', [args, 88], { min: 1, allow: [0] }, () => {
    sendFd(stage, 'pidfd', 'tell the parent who goes on', pidfd);
    b.op('leave the rest to it', 'exit_group', [0]);
  });
  dieWithParent(stage);
}

/**
 * The payload becomes a child; who stays behind is pid 1, reaps and passes signals on (native/tare-init.c).
 * Both go on in the same memory, so the kernel writes the child's pid, once: the results of both would overwrite each other.
 * Filters let clone(2) through, where they can see the flags, and refuse clone3(2). Its first three arguments are the same everywhere.
 */
export function forkFromInit({ b }: Stage, child: Cell): void {
  b.op('be known as tare-init', 'prctl', [flags(PR, 'SET_NAME'), 'tare-init', 0, 0, 0]);
  const bits = named(0x100000 | 17, 'CLONE_PARENT_SETTID|SIGCHLD');
  const slot = data(`&$${child.name}`, [{ cell: child, width: 4 }]);
  b.unless('make the payload a child of pid 1', 'clone', [bits, 0, slot, 0, 0], { min: 1, allow: [0] }, () => {
    b.op('keep nothing open but the standard streams', 'close_range', [3, 0xffffffff, named(0, '0')]);
    b.op('stay as pid 1: reap, and pass signals on', 'halt', []);
  });
}
