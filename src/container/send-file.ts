/** Hands an open file to whoever listens on a stream socket, with a message beside it: unix(7), SCM_RIGHTS. */
import { TareError } from '../errors.ts';
import { messageWithFile } from '../launch/parent.ts';
import { data, ProgramBuilder } from '../launch/program.ts';
import { AF, flags, MSG, SOCK } from '../linux/flags.ts';
import type { Engine } from './engine.ts';

/** `sun_path` of unix(7), with its closing zero. */
const longestPath = 107;

/** @param what is handed over, such as `terminal` */
export function sendFile(engine: Engine, what: string, path: string, message: string, fd: number): void {
  if (Buffer.byteLength(path) > longestPath)
    throw new TareError(`connect to ${path}`, {
      errno: 'ENAMETOOLONG',
      hint: `a socket's path has at most ${longestPath} bytes`,
    });
  const b = new ProgramBuilder();
  const why = `hand the ${what} to ${path}`;
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
  const words = data('{message}', [{ bytes: Buffer.from(message) }]);
  const header = messageWithFile('{message, SCM_RIGHTS}', words, Buffer.byteLength(message), { u32: fd });
  b.op(why, 'sendmsg', [socket, header, flags(MSG, 'NOSIGNAL')], {
    min: Buffer.byteLength(message),
  });
  b.op(`${why}: close the socket`, 'close', [socket]);
  engine.spawner.run({ ops: b.ops }, [socket]);
}
