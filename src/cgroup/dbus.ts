/** A connection to a message bus: the D-Bus specification, "Authentication Protocol" and "Message Bus Specification". */
import { createConnection, type Socket } from 'node:net';
import { TareError } from '../errors.ts';
import { decodeMessage, encodeMessage, type Message, messageType, type Value } from './dbus-wire.ts';

/** Seconds. */
const patience = 30;

export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly Value[];
}

/** What a service answers in place of a result; its name is the `errno`. */
export class BusError extends TareError {
  readonly busName: string;

  constructor(call: Call, { errorName = '', body: [text = ''] }: Message) {
    super(`ask ${call.destination} for ${call.member}: ${typeof text === 'string' && text !== '' ? text : errorName}`);
    this.busName = errorName;
  }
}

type Answer = (message: Message | Error) => void;

export class Bus implements Disposable {
  readonly #socket: Socket;
  readonly #address: string;
  readonly #calls = new Map<number, Answer>();
  readonly #listeners = new Set<(signal: Message) => void>();
  #serial = 0;
  #rest: Buffer = Buffer.alloc(0);
  #authenticated = false;
  #failure: Error | undefined;

  /** @param path of its socket */
  constructor(path: string) {
    this.#address = path;
    this.#socket = createConnection(path);
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('it has hung up')));
    // Who we are the bus asks the kernel; in a user namespace we could not say it.
    this.#socket.write('\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n');
    void this.call(toBus('Hello')).catch(() => {}); // whoever calls next is told
  }

  /** @throws BusError where the service refuses, TareError where there is none */
  async call(call: Call): Promise<readonly Value[]> {
    this.#serial += 1;
    const serial = this.#serial;
    const { body = [], ...rest } = call;
    const bytes = encodeMessage({ ...rest, type: messageType.call, serial, body });
    const answer = await new Promise<Message | Error>((resolve) => {
      if (this.#failure !== undefined) {
        resolve(this.#failure);
        return;
      }
      const timer = setTimeout(() => resolve(new Error(`no answer for ${patience} seconds`)), patience * 1000);
      this.#calls.set(serial, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
      this.#socket.write(bytes);
    });
    this.#calls.delete(serial);
    if (answer instanceof Error)
      throw new TareError(`ask ${call.destination} for ${call.member} by ${this.#address}: ${answer.message}`, {
        hint: 'is systemd in charge here, and dbus installed?',
        cause: answer,
      });
    if (answer.type === messageType.error) throw new BusError(call, answer);
    return answer.body;
  }

  /** Signals that fit the rule arrive at the listener until it is disposed of. */
  listen(rule: string, listener: (signal: Message) => void): Disposable {
    void this.call(toBus('AddMatch', 's', rule)).catch(() => {});
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#failure = new Error('it is closed');
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const answer of this.#calls.values()) answer(error);
  }

  #receive(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    try {
      if (!this.#authenticated && !this.#authenticate()) return;
      for (let found = decodeMessage(this.#rest); found !== undefined; found = decodeMessage(this.#rest)) {
        this.#rest = this.#rest.subarray(found.size);
        this.#dispatch(found.message);
      }
    } catch (error) {
      this.#fail(error as Error);
      this.#socket.destroy();
    }
  }

  /** A line that asks for data, and one that says OK. */
  #authenticate(): boolean {
    const text = this.#rest.toString('latin1');
    if (text.includes('REJECTED')) throw new Error('it does not take us for who we are');
    const end = /(?:^|\r\n)OK [^\r]*\r\n/.exec(text);
    if (end === null) return false;
    this.#rest = this.#rest.subarray(end.index + end[0].length);
    this.#authenticated = true;
    return true;
  }

  #dispatch(message: Message): void {
    if (message.type === messageType.signal) for (const listener of this.#listeners) listener(message);
    else if (message.answers !== undefined) this.#calls.get(message.answers)?.(message);
  }
}

const toBus = (member: string, signature?: string, ...body: readonly Value[]): Call => ({
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member,
  ...(signature === undefined ? {} : { signature }),
  body,
});
