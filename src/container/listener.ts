/** Hands the fd that answers a filter's `SCMP_ACT_NOTIFY` to whoever listens: config-linux.md, "The Container Process State". */
import { closeSync } from 'node:fs';
import { TareError } from '../errors.ts';
import { messageWithFile } from '../launch/parent.ts';
import { data, ProgramBuilder } from '../launch/program.ts';
import { AF, flags, MSG, SOCK } from '../linux/flags.ts';
import type { Spec } from '../spec/spec.ts';
import type { Engine } from './engine.ts';

/** `sun_path` of unix(7), with its closing zero. */
const longestPath = 107;

export interface Filtered {
  readonly id: string;
  readonly spec: Spec;
  readonly pid: number;
  /** Where the bundle lies, if it is one. */
  readonly bundle: string;
}

export function sendSeccompListener(engine: Engine, { id, spec, pid, bundle }: Filtered, fd: number): void {
  const { listenerPath, listenerMetadata } = spec.linux?.seccomp ?? {};
  try {
    if (listenerPath === undefined)
      throw new TareError('use a seccomp profile with SCMP_ACT_NOTIFY', {
        hint: 'it needs listenerPath, a socket to send the listener to',
      });
    if (Buffer.byteLength(listenerPath) > longestPath)
      throw new TareError(`connect to ${listenerPath}`, {
        errno: 'ENAMETOOLONG',
        hint: `a socket's path has at most ${longestPath} bytes`,
      });
    const state = {
      ociVersion: spec.ociVersion,
      id,
      status: 'creating',
      pid,
      bundle,
      annotations: spec.annotations ?? {},
    };
    const message = JSON.stringify({
      ociVersion: spec.ociVersion,
      fds: ['seccompFd'],
      pid,
      metadata: listenerMetadata ?? '',
      state,
    });
    send(engine, listenerPath, message, fd);
  } finally {
    closeSync(fd);
  }
}

function send(engine: Engine, path: string, message: string, fd: number): void {
  const b = new ProgramBuilder();
  const why = `hand the seccomp listener to ${path}`;
  const socket = b.result('socket', `${why}: open a socket`, 'socket', [
    flags(AF, 'UNIX'),
    flags(SOCK, 'STREAM', 'CLOEXEC'),
    0,
  ]);
  const name = Buffer.alloc(longestPath + 1);
  name.write(path);
  const address = data(`{AF_UNIX, ${JSON.stringify(path)}}`, [{ u16: 1 }, { bytes: name }]);
  b.op(`${why}: connect`, 'connect', [socket, address, 2 + name.length], {
    hints: { ECONNREFUSED: 'nobody listens there', ENOENT: 'no such socket' },
  });
  const state = data('{state}', [{ bytes: Buffer.from(message) }]);
  const header = messageWithFile('{state, listener}', state, Buffer.byteLength(message), { u32: fd });
  b.op(why, 'sendmsg', [socket, header, flags(MSG, 'NOSIGNAL')], {
    min: Buffer.byteLength(message),
  });
  b.op(`${why}: close the socket`, 'close', [socket]);
  engine.spawner.run({ ops: b.ops }, [socket]);
}
