/** Whoever starts containers may be killed at any moment: no process, no mount and no group of theirs survives that for long. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { sweepCgroups } from '../../src/container/sweep.ts';
import { readStatus } from '../../src/linux/proc.ts';
import { changes, command, nameOf, type HostState, observeHost, warmUp } from './host-state.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox', 'cgroup2');
const root = join(import.meta.dirname, '../..');
const tare = join(root, 'bin/tare.cjs');
const engine = new Engine();
const { parent = '' } = engine.cgroups;

/** Where cgroup v1 holds the controller, the container has a group there too. */
const limited = able && needs('limit:pids') ? ['--pids-limit', '9'] : [];

/** What no other process on this machine sleeps for. */
const seconds = String(100_000 + process.pid);
let before: HostState = {};

beforeAll(async () => {
  if (able) await warmUp(engine);
});
beforeEach(() => (before = observeHost(engine)));
afterEach(() => expect(changes(before, observeHost(engine))).toEqual([]));

let names = 0;
const nextName = () => `tare-test-${process.pid}-${(names += 1)}`;

/** `tare run`, by the process that can be killed for it. */
function start(...words: string[]): ChildProcess {
  return spawn(process.execPath, [tare, 'run', ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
}

async function killed(process: ChildProcess): Promise<void> {
  const ended = once(process, 'close');
  process.kill('SIGKILL');
  await ended;
}

const pids = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name));
const sleepers = () => pids().filter((pid) => command(pid) === `sleep ${seconds}`);
const childrenOf = ({ pid }: ChildProcess) => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  } catch {
    return [];
  }
};
const isWatchdog = (pid: string) => nameOf(pid) === 'tare-watchdog';

/** Also where the machine's first process takes its time to reap it. */
const hasEnded = (pid: string) => !existsSync(`/proc/${pid}`) || readStatus(Number(pid)).state === 'Z';

async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(10);
}

const gone = (...groups: string[]) =>
  until(() => sleepers().length === 0 && !groups.some((group) => existsSync(group)));

test.runIf(able)('a process that is killed at any moment of a start takes its container along', async () => {
  for (let n = 0; n < 24; n += 1) {
    const command = start(...limited, '--name', nextName(), 'busybox', 'sleep', seconds);
    await sleep(Math.random() * 80);
    await killed(command);
  }
  await until(() => sleepers().length === 0);
  await sweepCgroups(engine, { patient: true });
});

test.runIf(able)('a process that is killed later leaves nothing, even without a next start', async () => {
  const name = nextName();
  const command = start(...limited, '--name', name, 'busybox', 'sleep', seconds);
  await until(() => sleepers().length === 1 && childrenOf(command).some(isWatchdog));
  await killed(command);
  await gone(join(parent, name));
});

test.runIf(able && needs('tool:setpriv'))('a payload that has changed its user since dies too', async () => {
  const name = nextName();
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const command = start('--name', name, 'host', 'setpriv', ...user, 'sleep', seconds);
  await until(() => sleepers().length === 1 && childrenOf(command).some(isWatchdog));
  await killed(command);
  await gone(join(parent, name));
});

test.runIf(able)("a payload's children in the pid namespace of the host die too", async () => {
  const name = nextName();
  const script = `sleep ${seconds} & sleep ${seconds}`;
  const command = start('--name', name, '--pid', 'host', 'busybox', 'sh', '-c', script);
  await until(() => sleepers().length === 2 && childrenOf(command).some(isWatchdog));
  await killed(command);
  await gone(join(parent, name));
});

test.runIf(able)('a container that waits for its id maps ends with who was to write them', async () => {
  const name = nextName();
  const maps = ['--uidmap', '0:100000:65536', '--gidmap', '0:100000:65536'];
  const command = start('--name', name, ...maps, 'busybox', 'sleep', seconds);
  await until(() => childrenOf(command).length > 0);
  command.kill('SIGSTOP');
  const [child = ''] = childrenOf(command);
  await killed(command);
  await until(() => hasEnded(child));
  await sweepCgroups(engine, { patient: true });
});

const library = (script: string) =>
  spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });

test.runIf(able)('containers that wait for their start end with who was to start them', async () => {
  const name = nextName();
  const program = library(`
    import { create } from 'tare';
    const make = (n) => create({ image: 'busybox', name: '${name}-' + n, args: ['sleep', '${seconds}'] });
    globalThis.boxes = await Promise.all([1, 2, 3].map(make));
    console.log('ready');
    setInterval(() => {}, 1000);
  `);
  await once(program.stdout, 'data');
  await until(() => childrenOf(program).some(isWatchdog));
  await killed(program);
  await gone(...[1, 2, 3].map((n) => join(parent, `${name}-${n}`)));
});

test.runIf(able)('a program that exits while its containers run takes them along', async () => {
  const name = nextName();
  const program = library(`
    import { create } from 'tare';
    const box = await create({ image: 'busybox', name: '${name}', args: ['sleep', '${seconds}'] });
    await box.start();
    setTimeout(() => process.exit(3), 200);
  `);
  const [code] = (await once(program, 'close')) as [number];
  expect(code).toBe(3);
  await gone(join(parent, name));
});

test.runIf(able)('a program whose containers have ended ends by itself, and so does its watchdog', async () => {
  const program = library(`
    import { run } from 'tare';
    await run({ image: 'busybox', args: ['sleep', '0.3'], stdio: 'ignore' });
    console.log('ended');
  `);
  await until(() => childrenOf(program).some(isWatchdog));
  const watchdog = childrenOf(program).find(isWatchdog) ?? '';
  const [code] = (await once(program, 'close')) as [number];
  expect(code).toBe(0);
  await until(() => hasEnded(watchdog));
});
