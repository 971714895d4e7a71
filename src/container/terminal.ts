import { readSync } from 'node:fs';
import { ReadStream } from 'node:tty';

/**
 * The near side of a pseudo-terminal. It ends when nobody holds the far side any more and all that was written there has
 * been read. Takes the descriptor over.
 *
 * A read of a pty gives what its line discipline has so far; more may be on its way through a work queue of the kernel.
 * libuv takes a hang-up that comes together with such a short read for the end, and the rest would be lost.
 */
export function nearSide(fd: number): ReadStream {
  const terminal = new ReadStream(fd);
  const push = terminal.push.bind(terminal);
  terminal.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null) for (const piece of readRest(fd)) push(piece);
    return push(chunk, encoding);
  };
  terminal.on('error', () => {}); // EIO, which is how a pty says that all is read
  return terminal;
}

/** Of a pty that has been hung up, whose reads never wait. */
function* readRest(fd: number): Generator<Buffer> {
  for (let piece = read(fd); piece.length > 0; piece = read(fd)) yield piece;
}

function read(fd: number): Buffer {
  const buffer = Buffer.alloc(4096);
  try {
    return buffer.subarray(0, readSync(fd, buffer));
  } catch {
    return Buffer.alloc(0); // EIO: all is read. EAGAIN: somebody has opened the far side again, whom nobody will hear
  }
}
