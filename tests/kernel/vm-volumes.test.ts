/** The server of a machine's volumes, without a machine: QEMU's part is to connect and to go. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { volumesTag } from '../../src/vm/volume-program.ts';
import { VolumeServer } from '../../src/vm/volumes.ts';
import { bootGuest, runIn } from './guest.ts';
import { needs } from './needs.ts';

let dir: string;
let engine: Engine;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tare-vm-volumes-'));
  mkdirSync(join(dir, 'run'));
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'file'), 'a file');
  engine = new Engine();
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const start = (...sources: string[]) =>
  VolumeServer.start({
    spawner: engine.spawner,
    host: engine.host,
    directory: join(dir, 'run'),
    volumes: sources.map((source) => ({ source: join(dir, source), readOnly: true })),
  });

/** Its mounts, as /proc shows them, below the directory that it serves. */
const mountsOf = (server: VolumeServer): string[] =>
  readFileSync(`/proc/${server.pid}/mountinfo`, 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${dir}/run`))
    .map((line) => line.split(' ').slice(4, 6).join(' ').replace(dir, ''));

const served = needs('root', 'tool:qemu-system-x86_64');

test.runIf(served)('its mounts are its own, and what is read-only is so by the mount', async () => {
  const before = readFileSync('/proc/self/mountinfo', 'utf8');
  await using server = await start('data', 'file');
  expect(mountsOf(server)).toEqual([
    expect.stringMatching(/^\/run rw,/),
    expect.stringMatching(/^\/run\/0 ro,/),
    expect.stringMatching(/^\/run\/1 ro,/),
  ]);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before);
});

test.runIf(served)('it ends when whoever has connected goes', async () => {
  await using server = await start('data');
  const socket = connect(server.socket);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  await server.ended();
});

test.runIf(served)('disposing of it ends it', async () => {
  const server = await start('data');
  const { pid } = server;
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  await server[Symbol.asyncDispose]();
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

test.runIf(served)('a source that is not there is named', async () => {
  await expect(start('data', 'none')).rejects.toThrow(`share ${dir}/none with a machine: ENOENT`);
});

test.runIf(served)('a guest reads and writes what it may, and a read-only volume stays as it is', async () => {
  const volumes = ['data', 'file'].map((name) => ({ source: join(dir, name), readOnly: name === 'file' }));
  const directory = join(dir, 'run');
  await using server = await VolumeServer.start({ spawner: engine.spawner, host: engine.host, directory, volumes });
  const booted = await bootGuest({ shares: [{ tag: volumesTag, socket: server.socket }] });
  await using guest = booted.guest;
  const mounts = [
    { type: 'bind' as const, source: join(dir, 'data'), target: '/data', options: ['rbind'] },
    { type: 'bind' as const, source: join(dir, 'file'), target: '/etc/one', options: ['rbind', 'rw'] },
  ];
  const command = 'cat /etc/one; echo guest >/data/written && chmod 751 /data/written; echo more >/etc/one; ls /data';
  const { stdout, stderr } = await runIn(guest, { args: ['sh', '-c', command], mounts }, { volumes: server.places });
  expect(stdout).toBe('a filewritten\n');
  expect(stderr).toContain("can't create /etc/one: Read-only file system");
  expect(readFileSync(join(dir, 'data/written'), 'utf8')).toBe('guest\n');
  expect(statSync(join(dir, 'data/written')).mode & 0o777).toBe(0o751);
  expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('a file');
});
