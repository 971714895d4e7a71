/**
 * A booted guest, kept: its memory, the state of its devices, and what must be true of whoever resumes it.
 *
 *     snapshot/NAME/
 *       ram             the guest's memory, page for page; what was never written takes no room
 *       state           QEMU's migration stream, of everything but the memory
 *       snapshot.json   `Snapshot`
 *
 * The memory never passes through the stream (`x-ignore-shared`: migration/migration.json in QEMU's source): it lies in a
 * file while the guest boots, and in a copy of that file when it goes on. So a resume reads 50 KiB and maps the rest.
 */
import { once } from 'node:events';
import { createWriteStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { TareError } from '../errors.ts';
import { allKept, keep, kept, vmCache } from './cache.ts';
import type { Machine } from './machine.ts';
import type { Qmp, QmpEvents } from './qmp.ts';
import { runTool, type Tool } from './tool.ts';

const format = 1;

/** What a snapshot is of. */
export interface Snapshot {
  readonly format: typeof format;
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  /** As it was called, and the key of the disk that was made of it. */
  readonly image: string;
  readonly diskKey: string;
  readonly kernel: string;
  /** Where it was not Debian's. */
  readonly kernelFile?: string;
  /** Of the initramfs: a guest speaks the protocol of the tare that made it. */
  readonly guestKey: string;
  /** Of the QEMU whose state it is. */
  readonly qemuKey: string;
  readonly machine: Machine;
  /** Of the guest's kernel. */
  readonly lastCapability: number;
}

const room = (cache: string): string => join(cache, 'snapshot');
const nameForm = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/;

/** @throws TareError where it is none, or taken */
export function checkFreeName(name: string, cache = vmCache()): void {
  if (!nameForm.test(name))
    throw new TareError(`name a snapshot ${JSON.stringify(name)}`, {
      hint: 'letters, digits, _, . and -, a letter or digit first, 64 at most',
    });
  if (kept(room(cache), name) !== undefined) throw taken(name);
}

const taken = (name: string): TareError =>
  new TareError(`save the snapshot ${name}`, { errno: 'EEXIST', hint: `remove it first: tare vm rm ${name}` });

/** Of all snapshots of this user, those of another tare too. */
const snapshotNames = (cache = vmCache()): string[] => allKept(room(cache)).sort();

/** Takes away a snapshot and all that was half made or half removed of it, if there is any. */
export async function sweepSnapshot(name: string, cache = vmCache()): Promise<void> {
  if (!existsSync(room(cache))) return;
  const left = readdirSync(room(cache)).filter((entry) => entry === name || entry.startsWith(`${name}.`));
  for (const entry of left) await rm(join(room(cache), entry), { recursive: true, force: true });
}

/** All snapshots of this user, by name. */
export function listSnapshots(cache = vmCache()): Snapshot[] {
  return snapshotNames(cache).map((name) => readSnapshot(name, cache));
}

/** @throws TareError where there is none of this name, or one of another tare */
export function readSnapshot(name: string, cache = vmCache()): Snapshot {
  const path = nameForm.test(name) ? kept(room(cache), name) : undefined;
  if (path === undefined) {
    const names = snapshotNames(cache);
    const hint = names.length === 0 ? 'there is none yet: tare vm snapshot makes one' : `there is ${names.join(', ')}`;
    throw new TareError(`find the snapshot ${name}`, { errno: 'ENOENT', hint });
  }
  const snapshot = JSON.parse(readFileSync(join(path, 'snapshot.json'), 'utf8')) as Omit<Snapshot, 'format'> & {
    format: number;
  };
  if (snapshot.format === format) return { ...snapshot, format };
  throw new TareError(`read the snapshot ${name}`, { hint: `another tare made it: tare vm rm ${name}` });
}

/** Bytes on disk. */
export async function sizeOf(name: string, cache = vmCache()): Promise<number> {
  const files = await Promise.all(['ram', 'state'].map((file) => stat(join(room(cache), name, file))));
  return files.reduce((total, { blocks }) => total + blocks * 512, 0);
}

/** @throws TareError where there is none of this name */
export async function removeSnapshot(name: string, cache = vmCache()): Promise<void> {
  readSnapshot(name, cache);
  // Out of sight first: nobody resumes one that is half gone.
  const gone = join(room(cache), `${name}.${process.pid}.draft`);
  await rename(join(room(cache), name), gone);
  await rm(gone, { recursive: true });
}

export interface SaveOptions {
  readonly qmp: Qmp;
  /** Of QEMU: where the guest's memory lies. */
  readonly ram: string;
  /** Where we may make a socket that QEMU can connect to, once `allow` has been called for it. */
  readonly directory: string;
  readonly allow: (path: string) => Promise<void>;
  readonly cache?: string;
}

/** Stops the guest and keeps it. It goes on no more. */
export async function saveSnapshot(snapshot: Omit<Snapshot, 'format'>, options: SaveOptions): Promise<void> {
  const { qmp, ram, cache = vmCache() } = options;
  checkFreeName(snapshot.name, cache);
  await keep(room(cache), snapshot.name, async (draft) => {
    await mkdir(draft, { mode: 0o700 });
    await qmp.execute('stop');
    await saveState(join(draft, 'state'), options);
    await copySparse(ram, join(draft, 'ram'), `save the memory of ${snapshot.name}`);
    await writeFile(join(draft, 'snapshot.json'), `${JSON.stringify({ format, ...snapshot }, null, 2)}\n`);
  });
  // Of two at once the first stays: `keep` gives the second what the first has made.
  if (readSnapshot(snapshot.name, cache).created !== snapshot.created) throw taken(snapshot.name);
}

async function saveState(path: string, { qmp, directory, allow }: SaveOptions): Promise<void> {
  const socket = join(directory, 'state');
  const server = createServer();
  const received = once(server, 'connection').then(async ([connection]) => {
    await pipeline(connection as Socket, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  });
  received.catch(() => {}); // whatever is wrong first is told
  try {
    server.listen(socket);
    await once(server, 'listening');
    await allow(socket);
    await qmp.execute('migrate-set-capabilities', abilities(['x-ignore-shared']));
    await qmp.execute('migrate', { uri: `unix:${socket}` });
    await Promise.all([received, migrated(qmp)]);
  } finally {
    server.close();
    await rm(socket, { force: true });
  }
}

async function migrated(qmp: Qmp): Promise<void> {
  for (;;) {
    const { status, 'error-desc': why } = await qmp.execute('query-migrate');
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled')
      throw new TareError('save the state of the guest', { hint: why ?? `QEMU says it ${status}` });
    await sleep(10);
  }
}

/** Takes up a guest, in a QEMU that was started with `resumes` and has the state open. One that cannot ends, and says why. */
export async function resume(qmp: Qmp, state: number): Promise<void> {
  await qmp.ready;
  await qmp.execute('migrate-set-capabilities', abilities(['x-ignore-shared', 'events']));
  const taken = new Promise<void>((resolve, reject) => {
    qmp.listen(({ event, data }) => {
      if (event === 'MIGRATION' && (data as QmpEvents['MIGRATION']).status === 'completed') resolve();
    });
    qmp.closed.catch(reject);
  });
  await qmp.execute('migrate-incoming', { uri: `fd:${state}` });
  await taken;
  await qmp.execute('cont'); // it was stopped when it was saved
}

const abilities = (names: readonly string[]) => ({
  capabilities: names.map((capability) => ({ capability, state: true })),
});

/** The paths of a snapshot's files. */
export const filesOf = (name: string, cache = vmCache()): { readonly ram: string; readonly state: string } => ({
  ram: join(room(cache), name, 'ram'),
  state: join(room(cache), name, 'state'),
});

const cp: Tool = { program: 'cp', package: 'coreutils' };

/** A file of which most is holes stays one. */
export async function copySparse(from: string, to: string, doing: string): Promise<void> {
  await runTool(doing, cp, ['--sparse=always', '--reflink=auto', from, to], { place: dirname(to) });
}
