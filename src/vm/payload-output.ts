/**
 * What a payload writes, for a reader that may be slow or never come. While it runs the reader sets the pace, back to the
 * payload's own write(2). Once it has exited all that is still on the way is taken in, so that the machine need not live on
 * until somebody reads: no more than the guest's pipe and the channel's window hold.
 */
import { PassThrough, type Readable } from 'node:stream';

export class PayloadOutput {
  readonly stream = new PassThrough();
  /** Everything has arrived, or nobody wants it. */
  readonly complete: Promise<void>;
  readonly #source: Readable;

  constructor(source: Readable) {
    this.#source = source;
    source.pipe(this.stream);
    this.stream.on('close', () => source.destroy());
    this.complete = new Promise((resolve) => {
      for (const end of ['end', 'close', 'error']) source.on(end, () => resolve());
    });
  }

  /** The payload has exited. */
  takeIn(): void {
    this.#source.unpipe(this.stream);
    this.#source.on('data', (piece: Buffer) => void this.stream.write(piece));
    this.#source.on('end', () => this.stream.end());
    this.#source.resume(); // a pipe that was waiting for its reader has paused it
    if (this.#source.readableEnded) this.stream.end();
  }

  /** There will be no more. */
  cut(): void {
    this.#source.destroy();
    this.stream.end();
  }
}
