/** Asks the kernel for network devices. */
import { readSync, writeSync } from 'node:fs';
import { addressQuestion, deviceOf, linkQuestion, type Message, messages, type NetDevice, RTM } from './netlink.ts';

/**
 * Looks for a device by its name.
 *
 * @param socket a NETLINK_ROUTE socket: reading and writing are all that it takes
 * @returns `undefined` where there is none
 */
export function readNetDevice(socket: number, name: string): NetDevice | undefined {
  writeSync(socket, linkQuestion(name));
  return deviceOf(name, receive(socket), () => {
    writeSync(socket, addressQuestion());
    return receiveAll(socket);
  });
}

/** A datagram holds 32 KiB at most. */
function receive(socket: number): Message[] {
  const bytes = Buffer.alloc(65_536);
  return messages(bytes.subarray(0, readSync(socket, bytes)));
}

/** Where many are answered with, the last one says so. */
function receiveAll(socket: number): Message[] {
  const answers: Message[] = [];
  for (;;) {
    answers.push(...receive(socket));
    const last = answers.at(-1)?.type;
    if (last === RTM.DONE || last === RTM.ERROR) return answers;
  }
}
