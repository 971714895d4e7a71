/** Groups that a killed process has left are swept; groups of the living are not touched; who is disposed of leaves nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { Cgroup } from '../../src/cgroup/cgroup.ts';
import { v1Groups } from '../../src/cgroup/hierarchy.ts';
import { Engine } from '../../src/container/engine.ts';
import { create, run } from '../../src/container/run.ts';
import { readOwners, sweepCgroups } from '../../src/container/sweep.ts';
import { ownerAttribute } from '../../src/launch/cgroup.ts';
import { ProgramBuilder } from '../../src/launch/program.ts';
import { changes, nameOf, observeHost, warmUp } from './host-state.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox', 'cgroup2');
const tare = join(import.meta.dirname, '../../bin/tare.cjs');
const engine = new Engine();
const { parent = '' } = engine.cgroups;

beforeAll(async () => {
  if (able) await warmUp(engine);
});

/** Where cgroup v1 holds the controller, its group is to be swept too. */
const limited = able && needs('limit:pids') ? ['--pids-limit', '9'] : [];
const groupsOf = (name: string): string[] =>
  [parent, ...v1Groups(engine.cgroups, parent, ['pids']).map(({ path }) => path)].map((above) => join(above, name));

let names = 0;
const nextName = () => `tare-test-${process.pid}-${(names += 1)}`;

/** A group that says it is of this owner. */
function groupOf(owner: string): string {
  const group = join(parent, nextName());
  mkdirSync(group);
  onTestFinished(() => {
    if (existsSync(group)) rmdirSync(group);
  });
  const b = new ProgramBuilder();
  if (owner !== '') b.op('sign it', 'setxattr', [group, ownerAttribute, owner, Buffer.byteLength(owner), 0]);
  engine.spawner.run({ ops: b.ops });
  return group;
}

/** A container whose process was killed together with its watchdog: nobody is left to clean up. */
async function abandon(name: string): Promise<void> {
  const killed = spawn(process.execPath, [tare, 'run', ...limited, '--name', name, 'busybox', 'sleep', '1000'], {
    stdio: 'ignore',
  });
  const watchdog = () =>
    readFileSync(`/proc/${killed.pid}/task/${killed.pid}/children`, 'utf8')
      .split(' ')
      .find((pid) => nameOf(pid) === 'tare-watchdog');
  while (watchdog() === undefined) await sleep(5);
  process.kill(Number(watchdog()), 'SIGKILL');
  const ended = once(killed, 'close');
  killed.kill('SIGKILL');
  await ended;
}

test.runIf(able)('whose a group is can be read back', () => {
  const group = groupOf(engine.owner);
  const nobodys = groupOf('');
  const owners = readOwners(engine.spawner, [group, nobodys, join(parent, 'nothing-there')]);
  expect([...owners]).toEqual([
    [group, engine.owner],
    [nobodys, ''],
  ]);
});

test.runIf(able)('the next start sweeps', async () => {
  const name = nextName();
  await abandon(name);
  expect(groupsOf(name).filter((group) => !existsSync(group))).toEqual([]);
  const { exitCode } = await run(new Engine(), { image: 'busybox', args: ['true'], stdio: 'ignore' });
  expect(exitCode).toBe(0);
  while (existsSync(join(parent, name))) await sleep(5);
  expect(groupsOf(name).filter((group) => existsSync(group))).toEqual([]);
});

test.runIf(able)('a name that a killed process has left is free', async () => {
  const name = nextName();
  await abandon(name);
  const { exitCode } = await run(engine, { image: 'busybox', name, args: ['true'], stdio: 'ignore' });
  expect(exitCode).toBe(0);
});

test.runIf(able)('what lives in an abandoned group is ended', async () => {
  const [, startTime, ...world] = engine.owner.split(' ');
  const group = groupOf(['1', `${startTime}0`, ...world].join(' '));
  const survivor = spawn('sleep', ['1000'], { stdio: 'ignore' });
  engine.spawner.run({ ops: moveInto(group, survivor.pid ?? -1) });
  expect(new Cgroup(group).populated()).toBe(true);
  const ended = once(survivor, 'close');
  await sweepCgroups(engine, { patient: true });
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(existsSync(group)).toBe(false);
});

function moveInto(group: string, pid: number) {
  const b = new ProgramBuilder();
  const procs = b.result('procs', 'open it', 'openat', [-100, join(group, 'cgroup.procs'), 1, 0]);
  b.op('move a process there', 'write', [procs, String(pid), String(pid).length]);
  b.op('close it', 'close', [procs]);
  return b.ops;
}

test.runIf(able)('groups of the living, of other worlds and of unknown makers stay', async () => {
  const [pid, startTime, , timeNamespace] = engine.owner.split(' ');
  const kept = [engine.owner, [pid, `${startTime}0`, '1', timeNamespace].join(' '), ''].map(groupOf);
  await sweepCgroups(engine, { patient: true });
  expect(kept.filter((group) => !existsSync(group))).toEqual([]);
});

test.runIf(able)("several that sweep at once do not get in each other's way", async () => {
  const [, startTime, ...world] = engine.owner.split(' ');
  const groups = Array.from({ length: 20 }, () => groupOf(['1', `${startTime}0`, ...world].join(' ')));
  const engines = [engine, new Engine(), new Engine()];
  await Promise.all(engines.map((each) => sweepCgroups(each, { patient: true })));
  expect(readdirSync(parent).filter((name) => groups.includes(join(parent, name)))).toEqual([]);
});

test.runIf(able)('a container that is disposed of before it has started leaves nothing', async () => {
  const before = observeHost(engine);
  for (const terminal of [false, true]) {
    const box = await create(engine, { image: 'busybox', args: ['cat'], stdio: 'pipe', terminal });
    await box[Symbol.asyncDispose]();
    await expect(box.exited).rejects.toThrow('killed on the way');
    await expect(box.start()).rejects.toThrow('killed on the way');
  }
  expect(changes(before, observeHost(engine))).toEqual([]);
});

test.runIf(able)(
  'a container that is disposed of while it runs leaves nothing, even what nobody has read',
  async () => {
    const before = observeHost(engine);
    const box = await create(engine, { image: 'busybox', args: ['sh', '-c', 'yes & cat'], stdio: 'pipe' });
    await box.start();
    await once(box.stdout!, 'readable');
    await box[Symbol.asyncDispose]();
    expect(await box.exited).toMatchObject({ signal: 'SIGKILL', exitCode: 137 });
    expect(changes(before, observeHost(engine))).toEqual([]);
  },
);

test.runIf(able)('a run that is aborted at any moment leaves nothing, and rejects with the reason', async () => {
  const before = observeHost(engine);
  for (let n = 0; n < 30; n += 1) {
    const abort = new AbortController();
    const running = run(engine, { image: 'busybox', args: ['sleep', '1000'], stdio: 'pipe', signal: abort.signal });
    const ended = expect(running).rejects.toThrow('enough');
    await sleep(Math.random() * 12);
    abort.abort(new Error('enough'));
    await ended;
  }
  expect(changes(before, observeHost(engine))).toEqual([]);
});
