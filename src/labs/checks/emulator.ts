/** `qemu`: what a QEMU says of its machine over QMP, at a socket that QEMU itself listens at. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import type { Finding } from '../finding.ts';
import { emulators } from './guest.ts';
import { scalar } from './shapes.ts';

export const qemuShape = z.strictObject({
  /** Of QMP: `-qmp unix:PATH,server=on,wait=off`. */
  socket: z.string(),
  /** How the name of its board begins: `pc-i440fx`. */
  board: z.string().optional(),
  /** In MiB. */
  memory: scalar.optional(),
  accelerator: z.enum(['kvm', 'tcg']).optional(),
  /** `prelaunch`: not one instruction was executed. */
  status: z.enum(['prelaunch', 'running', 'paused']).optional(),
  /** Models of devices that were asked for with -device, such as `e1000`: all of them, and no other. */
  devices: z.array(z.string()).optional(),
  /** Whether the BIOS has counted the memory below 640 KiB: the word at 0x413. */
  bios: z.boolean().optional(),
});
export type QemuExpected = z.output<typeof qemuShape>;

interface Criterion {
  readonly expected: string;
  readonly met: boolean;
  readonly saw: string;
}

export async function checkQemu(expected: QemuExpected): Promise<Finding> {
  const tested = `what does the QEMU that listens at ${expected.socket} say of its machine? (QMP)`;
  const fail = (saw: string): Finding => ({ passed: false, tested, expected: 'a QEMU that listens there', saw });
  const owner = listenerAt(expected.socket);
  if (owner === undefined) return fail('nobody listens there');
  if (owner === 'another') return fail('someone listens there, whose program is not QEMU');
  try {
    const criteria = await withQmp(expected.socket, (ask) => look(expected, ask));
    const failed = criteria.filter(({ met }) => !met);
    return {
      passed: failed.length === 0,
      tested,
      expected: criteria.map((one) => one.expected).join(', ') || 'an answer',
      saw: (failed.length > 0 ? failed : criteria).map(({ saw }) => saw).join(', ') || 'an answer',
    };
  } catch (error) {
    return fail(
      `process ${owner} of QEMU, which does not answer (${(error as Error).message}): it may speak to another`,
    );
  }
}

async function look(expected: QemuExpected, ask: Ask): Promise<readonly Criterion[]> {
  const list: Criterion[] = [];
  const add = (text: string, met: boolean, saw: string) => list.push({ expected: text, met, saw });
  const { board, memory, accelerator, status, bios, devices } = expected;
  if (board !== undefined) {
    const found = String(await ask('qom-get', { path: '/machine', property: 'type' }));
    add(`a board ${board}`, found.startsWith(board), `a board ${found}`);
  }
  if (memory !== undefined) {
    const { 'base-memory': bytes = 0 } = (await ask('query-memory-size-summary')) as { 'base-memory'?: number };
    add(`${memory} MiB`, bytes / 2 ** 20 === Number(memory), `${bytes / 2 ** 20} MiB`);
  }
  if (accelerator !== undefined) {
    const { enabled } = (await ask('query-kvm')) as { enabled: boolean };
    add(accelerator.toUpperCase(), enabled === (accelerator === 'kvm'), enabled ? 'KVM' : 'TCG');
  }
  if (status !== undefined) {
    const found = ((await ask('query-status')) as { status: string }).status;
    add(`status ${status}`, found === status, `status ${found}`);
  }
  if (devices !== undefined) {
    const found = await models(ask);
    const wanted = devices.toSorted().join(', ');
    add(`devices ${wanted}`, found === wanted, `devices ${found || 'none'}`);
  }
  if (bios !== undefined) {
    const line = String(await ask('human-monitor-command', { 'command-line': 'xp /1hx 0x413' }));
    const kibibytes = Number(/: (0x[0-9a-f]+)/.exec(line)?.[1] ?? NaN);
    add(
      bios ? 'a BIOS that has counted the memory' : 'no BIOS that has run',
      bios ? kibibytes > 0 : kibibytes === 0,
      `${kibibytes} KiB noted at address 0x413`,
    );
  }
  return list;
}

/** Those with an id, and those without: QEMU's object tree has them as `child<MODEL>`. */
async function models(ask: Ask): Promise<string> {
  const list: string[] = [];
  for (const path of ['/machine/peripheral', '/machine/peripheral-anon'])
    for (const { type } of (await ask('qom-list', { path })) as { type: string }[])
      list.push(...(/^child<(.*)>$/.exec(type)?.slice(1) ?? []));
  return list.toSorted().join(', ');
}

/** The pid of the QEMU that listens at a socket, by the kernel's list of sockets and the files that processes have open. */
function listenerAt(path: string): number | 'another' | undefined {
  const line = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((one) => one.trim().split(/\s+/))
    .find(([, , , flags, , , , name]) => name === path && flags === '00010000');
  const inode = line?.[6];
  if (inode === undefined) return undefined;
  return emulators().find((pid) => hasOpen(pid, `socket:[${inode}]`)) ?? 'another';
}

function hasOpen(pid: number, link: string): boolean {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).some((fd) => readlinkSync(`${directory}/${fd}`) === link);
  } catch {
    return false;
  }
}

type Ask = (command: string, args?: object) => Promise<unknown>;

/** How long QEMU may take to answer, in ms: it speaks to one at a time. */
const patience = 10_000;

async function withQmp<T>(path: string, use: (ask: Ask) => Promise<T>): Promise<T> {
  const socket: Socket = connect(path);
  socket.setTimeout(patience, () => socket.destroy(new Error('no answer in ten seconds')));
  const failed = once(socket, 'close').then(() => Promise.reject(new Error('it has hung up')));
  failed.catch(() => {});
  const broken = once(socket, 'error').then(([error]) => Promise.reject(error as Error));
  broken.catch(() => {});
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const hear = async (): Promise<Record<string, unknown>> => {
    const next = await lines.next();
    if (next.done) throw new Error('it has hung up');
    const message = JSON.parse(next.value) as Record<string, unknown>;
    return 'event' in message ? hear() : message;
  };
  const ask: Ask = async (execute, args) => {
    socket.write(`${JSON.stringify({ execute, ...(args && { arguments: args }) })}\n`);
    const { return: answer, error } = await hear();
    if (error !== undefined) throw new Error((error as { desc: string }).desc);
    return answer;
  };
  const talk = async (): Promise<T> => {
    await hear(); // its greeting
    await ask('qmp_capabilities');
    return use(ask);
  };
  try {
    return await Promise.race([talk(), broken, failed]);
  } finally {
    socket.destroy();
  }
}
