/**
 * What host and guest say to each other over the virtio-serial port `tare`. Pure. The other side: native/guest.h.
 *
 *     0        4      6         8          8 + length
 *     ┌────────┬──────┬─────────┬──────────────┐
 *     │ length │ kind │ process │ body         │   little-endian
 *     └────────┴──────┴─────────┴──────────────┘
 *
 * `process` is 0 for what pid 1 does itself and 1 for the payload, its child.
 *
 *     host                                      guest
 *       │                        memory…, ready   │  booted; what became of the boot program
 *       │◀────────────────────────────────────────┤
 *       │ program (0)                             │  run it in pid 1: mount the image, set the clock …
 *       ├────────────────────────────────────────▶│
 *       │               memory…, halted or failed │  what became of it
 *       │◀────────────────────────────────────────┤
 *       │ program (1)                             │  run it in a child, up to and including execve
 *       ├────────────────────────────────────────▶│
 *       │             memory…, executed or failed │  where it ended;  stopped: it waits for `go`
 *       │◀────────────────────────────────────────┤
 *       │ stdin, window, resize, signal, go       │  in any order; an empty stdin is its end
 *       ├────────────────────────────────────────▶│
 *       │ stdout, stderr, window                  │  an empty one is its end; an empty stdin: nobody reads it any more
 *       │◀────────────────────────────────────────┤
 *       │                                  exited │  the payload is reaped and what it left behind killed;
 *       │◀────────────────────────────────────────┤  what they wrote may still follow, to the end of both streams
 *
 * Neither side sends more of a stream than the other has allowed (`firstWindow`, and more by `window`). So each can always
 * read on: a payload that does not read its input, or a caller that does not read the output, holds up no signal and no exit.
 */
import { TareError } from '../errors.ts';

/** Said by `ready`. */
export const protocolVersion = 1;
/** Of a program's body, in bytes: execve(2) takes 2 MiB of arguments and environment. */
export const programLimit = 4 * 1024 * 1024;
/** What stands before the program in its body. */
export const programHeader = 8;
/** Of any other body. */
const bodyLimit = 65536;
/** How much of a stream may be sent before a `window` allows more, in bytes. */
export const firstWindow = 65536;
export const headerSize = 8;
/** What is sent of a stream at once: with its header one buffer of virtio-serial's driver. */
export const pieceSize = 32768 - headerSize;

/**
 * With what QEMU ends when the guest has left by the port of isa-debug-exit: (TARE_LEFT_… of native/guest.h << 1) | 1.
 * `alone`: the channel was closed. `unbooted`: the boot program failed (`bootFailure`). `confused`: a frame was malformed.
 */
export const exitStatuses = { alone: 3, unbooted: 5, confused: 7 } as const;

/** Whose frame it is: of pid 1 itself, or of its child. */
export const processes = { pidOne: 0, payload: 1 } as const;

/** What came before a `fault`: by its number in native/guest.h. */
export const faults: Readonly<Record<number, string>> = {
  1: 'understand a frame of the host',
  2: 'check a launch program',
  3: 'find memory for a launch program',
  4: 'make pipes for the payload',
  5: 'make a process for the payload',
};

/**
 * The kinds of frames: the number of each, the fields of its body in order, and whether bytes follow them. Times are of the
 * guest's CLOCK_MONOTONIC in ns.
 */
const shapes = {
  /** `returned`: 1 if its memory is wanted back once it has ended. `clone`: the namespaces that a child is born in. */
  program: { number: 1, fields: { returned: 'u32', clone: 'u32' }, bytes: true },
  stdin: { number: 2, fields: {}, bytes: true },
  /** Of `stream` (0, 1, 2) so many bytes `more` may be sent. */
  window: { number: 3, fields: { stream: 'u32', more: 'u32' }, bytes: false },
  resize: { number: 4, fields: { rows: 'u16', columns: 'u16' }, bytes: false },
  signal: { number: 5, fields: { signal: 'u32' }, bytes: false },
  go: { number: 6, fields: {}, bytes: false },
  /** `started`: when pid 1 was. */
  ready: { number: 16, fields: { version: 'u32', reserved: 'u32', started: 'u64', at: 'u64' }, bytes: false },
  /** Neither program nor payload could be had: see `faults`. */
  fault: { number: 17, fields: { step: 'u32', error: 'i32' }, bytes: false },
  /** A piece of a program's memory: results in its cells, stamps. */
  memory: { number: 18, fields: {}, bytes: true },
  halted: { number: 19, fields: { at: 'u64' }, bytes: false },
  failed: { number: 20, fields: { op: 'u32', error: 'i32', at: 'u64' }, bytes: false },
  stopped: { number: 21, fields: { op: 'u32' }, bytes: false },
  /** Its socket was closed by execve, or by the end of its process: `position` is the op it had come to. */
  executed: { number: 22, fields: { position: 'u32', reserved: 'u32', at: 'u64' }, bytes: false },
  stdout: { number: 23, fields: {}, bytes: true },
  stderr: { number: 24, fields: {}, bytes: true },
  /** `signal` is 0 for who has exited by itself; CPU times in µs, `maxRss` in KiB. */
  exited: {
    number: 25,
    fields: { code: 'u32', signal: 'u32', user: 'u64', system: 'u64', maxRss: 'u64', at: 'u64' },
    bytes: false,
  },
} as const;

interface Shape {
  readonly number: number;
  readonly fields: Readonly<Record<string, Width>>;
  readonly bytes: boolean;
}

type Width = keyof typeof sizes;
type Shapes = typeof shapes;
export type Kind = keyof Shapes;
type Fields<Of extends Kind> = {
  readonly [Name in Exclude<keyof Shapes[Of]['fields'], 'reserved'>]: Shapes[Of]['fields'][Name] extends 'u64'
    ? bigint
    : number;
};
type Tail<Of extends Kind> = Shapes[Of]['bytes'] extends true ? { readonly bytes: Uint8Array } : unknown;

/** A frame of one kind. */
export type FrameOf<Of extends Kind> = { readonly kind: Of; readonly process: number } & Fields<Of> & Tail<Of>;
export type Frame = { [Of in Kind]: FrameOf<Of> }[Kind];

const sizes = { u16: 2, u32: 4, i32: 4, u64: 8 } as const;

const shapeOf = (kind: Kind): Shape => shapes[kind];
const kindOf = new Map((Object.keys(shapes) as Kind[]).map((kind) => [shapeOf(kind).number, kind]));

const fixedSize = ({ fields }: Shape): number =>
  Object.values(fields).reduce((size: number, width) => size + sizes[width], 0);

/** A frame as bytes. @throws RangeError for a body beyond its limit */
export function encodeFrame(frame: Frame): Buffer {
  const shape = shapeOf(frame.kind);
  const tail = 'bytes' in frame ? frame.bytes : new Uint8Array();
  const length = fixedSize(shape) + tail.length;
  if (length > limitOf(frame.kind)) throw new RangeError(`a frame ${frame.kind} of ${length} bytes`);
  const bytes = Buffer.alloc(headerSize + length);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(shape.number, 4);
  bytes.writeUInt16LE(frame.process, 6);
  const values = frame as unknown as Readonly<Record<string, number | bigint | undefined>>;
  let at = headerSize;
  for (const [name, width] of Object.entries(shape.fields)) at = write(bytes, at, width, values[name] ?? 0);
  bytes.set(tail, at);
  return bytes;
}

function write(bytes: Buffer, at: number, width: Width, value: number | bigint): number {
  if (width === 'u64') return bytes.writeBigUInt64LE(BigInt(value), at);
  if (width === 'u16') return bytes.writeUInt16LE(Number(value), at);
  return width === 'u32' ? bytes.writeUInt32LE(Number(value), at) : bytes.writeInt32LE(Number(value), at);
}

function read(bytes: Buffer, at: number, width: Width): number | bigint {
  if (width === 'u64') return bytes.readBigUInt64LE(at);
  if (width === 'u16') return bytes.readUInt16LE(at);
  return width === 'u32' ? bytes.readUInt32LE(at) : bytes.readInt32LE(at);
}

/** Puts frames together from pieces that are split anywhere. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * The frames that are whole by now; their bytes may share memory with `piece`.
   * @throws TareError at the first malformed frame: nothing that follows can be understood
   */
  *push(piece: Uint8Array): Generator<Frame, void> {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= headerSize) {
      const { kind, process, end } = readHeader(this.#rest);
      if (this.#rest.length < end) return;
      const body = this.#rest.subarray(headerSize, end);
      this.#rest = this.#rest.subarray(end);
      yield readBody(kind, process, body);
    }
  }
}

function readHeader(bytes: Buffer): { kind: Kind; process: number; end: number } {
  const length = bytes.readUInt32LE(0);
  const number = bytes.readUInt16LE(4);
  const kind = kindOf.get(number);
  if (kind === undefined) throw malformed(`no kind of frame has the number ${number}`);
  const shape = shapeOf(kind);
  const fixed = fixedSize(shape);
  if (length < fixed || (length > fixed && !shape.bytes) || length > limitOf(kind))
    throw malformed(`${length} bytes are no body of a frame ${kind}`);
  return { kind, process: bytes.readUInt16LE(6), end: headerSize + length };
}

function readBody(kind: Kind, process: number, body: Buffer): Frame {
  const { fields, bytes } = shapeOf(kind);
  const frame: Record<string, unknown> = { kind, process };
  let at = 0;
  for (const [name, width] of Object.entries(fields)) {
    if (name !== 'reserved') frame[name] = read(body, at, width);
    at += sizes[width];
  }
  if (bytes) frame.bytes = body.subarray(at);
  return frame as unknown as Frame;
}

const limitOf = (kind: Kind): number => (kind === 'program' ? programLimit : bodyLimit);

const malformed = (what: string): TareError =>
  new TareError('understand the other side of the channel', {
    errno: 'EPROTO',
    hint: `${what}: host and guest must be of one build`,
  });
