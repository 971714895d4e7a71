/**
 * What follows `create`, as programs: nothing is left to decide, so that the front end of native/oci.c runs them without
 * Node. They run in the container's directory (native/container.h), and each may be tried again. Pure.
 */
import { removeGroups } from '../launch/cgroup.ts';
import { ProgramBuilder, cell, type Cell, data, type Data, type Program } from '../launch/program.ts';
import { AF, AT, AT_FDCWD, flags, MSG, O, SOCK } from '../linux/flags.ts';
import type { Saved } from './state.ts';

/** Files of a container's directory. */
export const files = { container: 'container', saved: 'container.json', start: 'start' } as const;

/** The verbs that can be programs, in the order of native/container.h. */
export const laterVerbs = ['start', 'kill', 'pause', 'resume', 'delete'] as const;
export type LaterVerb = (typeof laterVerbs)[number];

/** `struct sockaddr_un`. */
export const socketAddress = (path: string): Data =>
  data(`{AF_UNIX, ${JSON.stringify(path)}}`, [{ u16: 1 }, { bytes: Buffer.from(`${path}\0`) }]);
export const addressSize = (path: string): number => 2 + Buffer.byteLength(path) + 1;

export const openSocket = (b: ProgramBuilder): Cell =>
  b.result('socket', 'open a socket', 'socket', [flags(AF, 'UNIX'), flags(SOCK, 'DGRAM', 'CLOEXEC'), 0]);

/** Of two who start it at once, one finds the name gone. */
export function startProgram(): Program {
  const b = new ProgramBuilder().stage('start');
  const socket = openSocket(b);
  b.op('find the container that waits', 'connect', [socket, socketAddress(files.start), addressSize(files.start)], {
    hints: { ENOENT: 'it has been started already', ECONNREFUSED: 'it has ended' },
  });
  b.op('be the only one who starts it', 'unlinkat', [AT_FDCWD, files.start, 0], {
    hints: { ENOENT: 'somebody else has just started it' },
  });
  b.op('say start', 'sendto', [socket, 'g', 1, flags(MSG, 'NOSIGNAL'), 0, 0], { min: 1 });
  return { ops: b.ops };
}

export interface KillProgram {
  readonly program: Program;
  /** Filled in before it runs: whom, and what. */
  readonly pidfd: Cell;
  readonly signal: Cell;
}

export function killProgram(): KillProgram {
  const b = new ProgramBuilder().stage('kill');
  const [pidfd, signal] = [cell('pidfd'), cell('signal')];
  b.op('send a signal to its first process', 'pidfd_send_signal', [pidfd, signal, 0, 0], {
    hints: { ESRCH: 'it has ended', EINVAL: 'there is no such signal' },
  });
  return { program: { ops: b.ops }, pidfd, signal };
}

/** `cgroup.freeze` of cgroup-v2.rst; all has stopped when `cgroup.events` says so. */
export function freezeProgram(cgroup: string, value: '0' | '1'): Program {
  const why = value === '1' ? 'stop its processes where they are' : 'let its processes go on';
  const b = new ProgramBuilder().stage(value === '1' ? 'pause' : 'resume');
  const file = `${cgroup}/cgroup.freeze`;
  const fd = b.result('file', `${why}: open ${file}`, 'openat', [AT_FDCWD, file, flags(O, 'WRONLY', 'CLOEXEC'), 0]);
  b.op(why, 'write', [fd, value, 1], { min: 1 });
  return { ops: b.ops };
}

/**
 * The directory itself goes last: until then its id is taken. A group that systemd has made is for systemd to remove: where
 * it has not yet, Node asks it to.
 */
export function deleteProgram({ id, cgroup, v1 = [], unit }: Pick<Saved, 'id' | 'cgroup' | 'v1' | 'unit'>): Program {
  const b = new ProgramBuilder().stage('delete');
  const gone = { allow: ['ENOENT'] as const };
  if (cgroup !== undefined && unit !== undefined)
    b.op(`see that systemd has removed ${cgroup}`, 'faccessat', [AT_FDCWD, cgroup, 0, 0], { ...gone, min: 1 });
  else if (cgroup !== undefined) removeGroups(b, { path: cgroup, v1 });
  for (const name of [files.start, files.saved, files.container])
    b.op(`remove ${name}`, 'unlinkat', [AT_FDCWD, name, 0], gone);
  b.op("remove the container's directory", 'unlinkat', [AT_FDCWD, `../${id}`, flags(AT, 'REMOVEDIR')], gone);
  return { ops: b.ops };
}
