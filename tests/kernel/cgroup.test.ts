import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { Cgroup } from '../../src/cgroup/cgroup.ts';
import { cgroupfs } from '../../src/cgroup/cgroupfs.ts';
import { probeCgroups } from '../../src/cgroup/hierarchy.ts';
import { readCgroupMembership, readStatus } from '../../src/linux/proc.ts';
import { needs } from './needs.ts';

const able = needs('root', 'cgroup2');
const { delegated = '' } = probeCgroups();
const top = `${delegated}/tare-test-${process.pid}`;

/** A process in the group, asleep or at work; its children's too. */
function inhabit(group: string, script = 'sleep 60'): ChildProcess {
  // The shell waits until it is in the group, so that all it starts is born there.
  const child = spawn('sh', ['-c', `read go; ${script}`], { stdio: ['pipe', 'ignore', 'inherit'] });
  writeFileSync(`${group}/cgroup.procs`, String(child.pid));
  child.stdin.end('go\n');
  return child;
}

function makeGroup(name = ''): Cgroup {
  const directory = name === '' ? top : `${top}/${name}`;
  mkdirSync(directory, { recursive: true });
  return new Cgroup(directory);
}

/** By plain means, so that a fault of `remove` leaves nothing behind. */
afterEach(async () => {
  if (!existsSync(top)) return;
  writeFileSync(`${top}/cgroup.kill`, '1');
  while (readFileSync(`${top}/cgroup.events`, 'utf8').includes('populated 1')) await sleep(5);
  const below = readdirSync(top, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { parentPath, name } of below.toReversed()) rmdirSync(`${parentPath}/${name}`);
  rmdirSync(top);
});

const signalOf = async (child: ChildProcess): Promise<NodeJS.Signals | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode;
};

test.runIf(able)('a group knows its processes, and that it has none', async () => {
  const group = makeGroup();
  expect(group.populated()).toBe(false);
  expect(group.pids()).toEqual([]);
  const child = inhabit(group.path);
  expect(group.populated()).toBe(true);
  expect(group.pids()).toContain(child.pid);
  const own = readCgroupMembership(child.pid).find(({ hierarchy }) => hierarchy === 0);
  expect(own?.path.endsWith(top.slice(top.lastIndexOf('/')))).toBe(true);
  // The contrast: this very process is elsewhere.
  expect(group.pids()).not.toContain(process.pid);
});

test.runIf(able)('kill ends everything in a group and below it, and nothing beside it', async () => {
  const [group, inner, beside] = [makeGroup('a'), makeGroup('a/inner'), makeGroup('b')];
  const victims = [inhabit(group.path, 'sleep 60 & sleep 60 & wait'), inhabit(inner.path)];
  const neighbour = inhabit(beside.path);
  await group.kill();
  expect(group.populated()).toBe(false);
  expect(await Promise.all(victims.map(signalOf))).toEqual(['SIGKILL', 'SIGKILL']);
  expect(neighbour.exitCode).toBeNull();
  expect(beside.populated()).toBe(true);
});

test.runIf(able)('a frozen group does nothing until it is thawed', async () => {
  const group = makeGroup();
  const child = inhabit(group.path, 'while :; do :; done');
  await group.freeze();
  const ticks = (): number => Number(readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')[13]);
  const before = ticks();
  await sleep(100);
  expect(ticks()).toBe(before);
  await group.thaw();
  while (ticks() === before) await sleep(5);
  expect(readStatus(child.pid).state).toBe('R');
});

test.runIf(able)('a frozen group can be killed', async () => {
  const group = makeGroup();
  const child = inhabit(group.path);
  await group.freeze();
  await group.kill();
  expect(await signalOf(child)).toBe('SIGKILL');
});

test.runIf(able)('an empty group freezes at once', async () => {
  const group = makeGroup();
  await group.freeze();
  await group.thaw();
});

test.runIf(able)('work shows in the statistics', async () => {
  const group = makeGroup();
  const idle = await group.stats();
  await once(inhabit(group.path, 'i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done'), 'exit');
  const busy = await group.stats();
  expect(busy.cpu?.usageMicroseconds).toBeGreaterThan((idle.cpu?.usageMicroseconds ?? 0) + 1000);
});

test.runIf(able && needs('psi'))('more work than processors shows as pressure, in this group alone', async () => {
  const [crowded, quiet] = [makeGroup('crowded'), makeGroup('quiet')];
  for (let n = 0; n < 8; n += 1) inhabit(crowded.path, 'while :; do :; done');
  const waited = async (group: Cgroup): Promise<number> => (await group.pressure()).cpu?.some?.totalMicroseconds ?? 0;
  while ((await waited(crowded)) < 10_000) await sleep(20);
  expect(await waited(quiet)).toBe(0);
  await crowded.kill();
});

test.runIf(able)('remove takes the groups below and what lives in them along', async () => {
  const group = makeGroup('a');
  const child = inhabit(makeGroup('a/b/c').path);
  await group.remove();
  expect(existsSync(group.path)).toBe(false);
  expect(await signalOf(child)).toBe('SIGKILL');
});

test.runIf(able)('what is gone already is removed, killed and empty', async () => {
  const group = makeGroup('a');
  rmdirSync(group.path);
  await group.remove();
  await group.kill();
  expect(group.populated()).toBe(false);
  await expect(group.freeze()).rejects.toThrow(/cgroup\.freeze: ENOENT/);
});

test.runIf(able)('a group is gone as soon as its process is known to have ended', async () => {
  for (let n = 0; n < 50; n += 1) {
    const group = makeGroup('a');
    await once(inhabit(group.path, 'true'), 'exit');
    await group.remove();
    expect(existsSync(group.path)).toBe(false);
  }
});

test.runIf(able)('the plan of the driver can be carried out', async () => {
  const host = probeCgroups();
  const plan = await cgroupfs.plan(host, { id: 'web', cgroupsPath: `${top.slice(host.mount?.length)}/web` });
  for (const { path } of plan?.directories ?? []) mkdirSync(path);
  const group = new Cgroup(plan?.path ?? '');
  expect(group.path).toBe(`${top}/web`);
  await group.remove();
  expect(existsSync(group.path)).toBe(false);
});

const limited = able && needs('controller:memory', 'controller:pids');

test.runIf(limited)('limits arrive in the files, and the kernel reads them as meant', async () => {
  const host = probeCgroups();
  const resources = { memory: { limit: 64 * 1024 * 1024, swap: 64 * 1024 * 1024 }, pids: { limit: 7 } };
  const cgroupsPath = `${top.slice(host.mount?.length)}/web`;
  const plan = await cgroupfs.plan(host, { id: 'web', cgroupsPath, resources });
  for (const { path } of plan?.directories ?? []) mkdirSync(path);
  for (const { file, value } of plan?.enable ?? []) writeFileSync(file, value);
  for (const { file, value } of plan?.limits ?? []) writeFileSync(`${plan?.path}/${file}`, value);
  const { memory, pids } = await new Cgroup(plan?.path ?? '').stats();
  expect([memory?.maxBytes, memory?.swapMaxBytes, pids?.max]).toEqual([64 * 1024 * 1024, 0, 7]);
});

test.runIf(limited)('a process that exceeds the limit of its group is killed, and the limit is named', async () => {
  const group = makeGroup('web');
  for (const above of [delegated, top]) writeFileSync(`${above}/cgroup.subtree_control`, '+memory');
  writeFileSync(`${group.path}/memory.max`, String(16 * 1024 * 1024));
  const child = inhabit(group.path, 'head -c 64m /dev/zero | tail -c 64m');
  await once(child, 'exit');
  expect(group.oomKills()).toMatchObject({ limit: 'own', maxBytes: 16 * 1024 * 1024 });
  expect(group.oomKills().kills).toBeGreaterThan(0);
});
