/** The payload's standard streams at the host's end of the channel: Node's, kept to the windows of vm/protocol.ts. */
import { Readable, Writable } from 'node:stream';
import { firstWindow, pieceSize } from './protocol.ts';

const nothing = new Uint8Array();

export interface OutputOptions {
  /** Tells the guest that it may send so many bytes more. */
  readonly allow: (bytes: number) => void;
  /** Tells the guest that nobody reads any more. */
  readonly close: () => void;
}

/** What the payload writes. The guest may send more as this is read. */
export class OutputStream extends Readable {
  readonly #options: OutputOptions;
  #owed = 0;
  #ended = false;

  constructor(options: OutputOptions) {
    super({ highWaterMark: firstWindow });
    this.#options = options;
  }

  /** The next bytes; none are the end. */
  feed(bytes: Uint8Array): void {
    if (this.#ended || this.destroyed) return;
    this.#ended = bytes.length === 0;
    this.#owed += bytes.length;
    if (this.push(this.#ended ? null : bytes)) this.#settle();
  }

  override _read(): void {
    this.#settle();
  }

  /** The payload then has a broken pipe. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#ended) this.#options.close();
    done(error);
  }

  #settle(): void {
    const owed = this.#owed;
    this.#owed = 0;
    if (owed > 0) this.#options.allow(owed);
  }
}

type Done = (error?: Error | null) => void;

/** What the payload reads, sent as the guest allows. */
export class InputStream extends Writable {
  readonly #send: (bytes: Uint8Array) => void;
  #window = firstWindow;
  #rest: Uint8Array = nothing;
  #done: Done = () => {};
  #closed = false;

  /** @param send hands a piece to the guest; an empty one is the end */
  constructor(send: (bytes: Uint8Array) => void) {
    super();
    this.#send = send;
  }

  /** The guest takes so many bytes more. */
  allow(more: number): void {
    this.#window += more;
    this.#flush();
  }

  /** Nobody reads any more: who writes is told, as with a broken pipe. */
  close(): void {
    this.#closed = true;
    this.#flush();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    // To send nothing would be to say that this is the end; and nobody would answer.
    if (chunk.length === 0) return done();
    [this.#rest, this.#done] = [chunk, done];
    this.#flush();
  }

  override _final(done: Done): void {
    if (!this.#closed) this.#send(nothing);
    done();
  }

  #flush(): void {
    if (this.#rest.length === 0) return;
    while (!this.#closed && this.#rest.length > 0 && this.#window > 0) {
      const piece = this.#rest.subarray(0, Math.min(this.#rest.length, this.#window, pieceSize));
      this.#rest = this.#rest.subarray(piece.length);
      this.#window -= piece.length;
      this.#send(piece);
    }
    if (this.#rest.length > 0 && !this.#closed) return;
    this.#rest = nothing;
    this.#done(this.#closed ? brokenPipe() : null);
  }
}

const brokenPipe = (): Error => Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' });
