/**
 * QMP, by which QEMU is asked and tells: a JSON object a line, over a socket.
 *
 *     QEMU                                                   we
 *      │  {"QMP": {"version": …}}                            │   once, when it is there
 *      ├────────────────────────────────────────────────────▶│
 *      │  {"execute": "qmp_capabilities", "id": 1}           │
 *      │◀────────────────────────────────────────────────────┤
 *      │  {"return": {}, "id": 1}                            │   or {"error": {"class", "desc"}, "id": 1}
 *      ├────────────────────────────────────────────────────▶│
 *      │  {"event": "SHUTDOWN", "data": …, "timestamp": …}   │   at any time
 *      ├────────────────────────────────────────────────────▶│
 *
 * docs/interop/qmp-spec.txt and qemu-qmp-ref(7).
 */
import type { Duplex } from 'node:stream';
import { TareError } from '../errors.ts';

/** What may be asked, with its arguments and its answer: the part of qemu-qmp-ref(7) that tare uses. */
export interface QmpCommands {
  qmp_capabilities: [undefined, unknown];
  'query-status': [undefined, { status: string; running: boolean }];
  'query-version': [undefined, { qemu: { major: number; minor: number; micro: number }; package: string }];
  'query-kvm': [undefined, { enabled: boolean; present: boolean }];
  'query-memory-size-summary': [undefined, { 'base-memory': number }];
  'query-balloon': [undefined, { actual: number }];
  'query-migrate': [undefined, { status?: string; 'error-desc'?: string }];
  balloon: [{ value: number }, unknown];
  stop: [undefined, unknown];
  cont: [undefined, unknown];
  system_powerdown: [undefined, unknown];
  quit: [undefined, unknown];
  'migrate-set-capabilities': [{ capabilities: readonly { capability: string; state: boolean }[] }, unknown];
  migrate: [{ uri: string }, unknown];
  'migrate-incoming': [{ uri: string }, unknown];
}

/** What it tells of its own accord: qemu-qmp-ref(7), "Events". Others are passed on too, as they are. */
export interface QmpEvents {
  STOP: undefined;
  RESUME: undefined;
  RESET: { guest: boolean; reason: string };
  SHUTDOWN: { guest: boolean; reason: string };
  POWERDOWN: undefined;
  GUEST_PANICKED: { action: string };
  MIGRATION: { status: string };
  BALLOON_CHANGE: { actual: number };
  VSERPORT_CHANGE: { id: string; open: boolean };
}

/** Something that happened to the machine, by its name in qemu-qmp-ref(7). */
export interface QmpEvent<Name extends keyof QmpEvents = keyof QmpEvents> {
  readonly event: Name;
  readonly data: QmpEvents[Name];
  /** When it happened: CLOCK_REALTIME, in microseconds. */
  readonly at: number;
}

interface Waiting {
  readonly command: string;
  readonly settle: (answer: unknown) => void;
  readonly fail: (error: Error) => void;
}

/** No answer that tare asks for is longer. */
const longestLine = 2 ** 20;

/** A conversation with one QEMU. Whoever sees QEMU end closes it with the reason. */
export class Qmp {
  readonly #socket: Duplex;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #next = 1;
  #rest = '';
  #lost: Error | undefined;
  #greeted = { settle: () => {}, fail: (_: Error) => {} };
  /** QEMU is there, and takes commands. */
  readonly ready: Promise<void>;
  /** Rejects with the reason when nothing more will come. */
  readonly closed: Promise<never>;
  #onClose: (reason: Error) => void = () => {};

  constructor(socket: Duplex) {
    this.#socket = socket;
    const greeting = new Promise<void>((settle, fail) => (this.#greeted = { settle, fail }));
    this.ready = greeting.then(async () => {
      await this.execute('qmp_capabilities');
    });
    this.ready.catch(() => {}); // whoever executes a command is told
    this.closed = new Promise<never>((_, fail) => (this.#onClose = fail));
    this.closed.catch(() => {});
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => this.#read(piece));
    socket.on('error', (cause) => this.close(gone(cause)));
    socket.on('close', () => this.close(gone()));
  }

  /** @throws TareError with QEMU's own words, or with the reason why it is gone */
  execute<Name extends keyof QmpCommands>(
    command: Name,
    ...[args]: QmpCommands[Name][0] extends undefined ? [] : [QmpCommands[Name][0]]
  ): Promise<QmpCommands[Name][1]> {
    return new Promise((settle, fail) => {
      if (this.#lost !== undefined) return fail(this.#lost);
      const id = this.#next++;
      this.#waiting.set(id, { command, settle: (answer) => settle(answer), fail });
      this.#socket.write(
        `${JSON.stringify({ execute: command, id, ...(args === undefined ? {} : { arguments: args }) })}\n`,
      );
    });
  }

  /** Calls `listener` for each event from now on. @returns what ends that */
  listen(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Nothing more will come: whoever waits is told why. Later reasons count for nothing. */
  close(reason: Error = gone()): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    this.#greeted.fail(reason);
    for (const { fail } of this.#waiting.values()) fail(reason);
    this.#waiting.clear();
    this.#listeners.clear();
    this.#onClose(reason);
    this.#socket.destroy();
  }

  #read(piece: string): void {
    const lines = `${this.#rest}${piece}`.split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > longestLine) this.close(nonsense('a line without end'));
    for (const line of lines) if (line.trim() !== '') this.#hear(line);
  }

  #hear(line: string): void {
    const message = parse(line);
    if (message === undefined) this.close(nonsense(line));
    else if ('QMP' in message) this.#greeted.settle();
    else if (typeof message.event === 'string') this.#tell(message);
    else if (typeof message.id === 'number') this.#answer(message.id, message);
    else this.close(nonsense(line));
  }

  #tell({ event, data, timestamp }: Message): void {
    const { seconds = 0, microseconds = 0 } = timestamp ?? {};
    const told = { event, data, at: seconds * 1e6 + microseconds } as QmpEvent;
    for (const listener of this.#listeners) listener(told);
  }

  #answer(id: number, { error, ...message }: Message): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.settle(message.return);
    else waiting?.fail(new TareError(`ask QEMU to ${waiting.command}`, { hint: error.desc }));
  }
}

interface Message {
  readonly QMP?: unknown;
  readonly event?: unknown;
  readonly data?: unknown;
  readonly timestamp?: { readonly seconds?: number; readonly microseconds?: number };
  readonly id?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

function parse(line: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}

const gone = (cause?: unknown): TareError => new TareError('speak with QEMU', { hint: 'it is gone', cause });

const nonsense = (line: string): TareError =>
  new TareError('understand what QEMU says', { errno: 'EPROTO', hint: `it said ${JSON.stringify(line.slice(0, 80))}` });
