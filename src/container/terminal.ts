import { readSync } from 'node:fs';
import type { Readable } from 'node:stream';
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

/** How long a terminal that somebody else still holds is listened to after its command has ended, in ms. */
const patience = 200;

/**
 * @returns a function that settles when all that was written to the terminal has been read, to be called once its command has
 * ended. Whoever is left in a pid namespace that the command shared may hold the terminal for ever; nobody waits for that
 */
export function endOfTerminal(terminal: Readable): () => Promise<void> {
  const ended = new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) terminal.once(event, () => resolve());
  });
  return async () => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, patience)));
    await Promise.race([ended, late]);
    clearTimeout(timer);
  };
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
