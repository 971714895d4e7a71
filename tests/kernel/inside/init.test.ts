import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { Container } from '../../../src/container/container.ts';
import { create, run } from '../../../src/index.ts';
import { readStatus } from '../../../src/linux/proc.ts';
import { inside } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');

/** The states of a process's children, such as `S` and `Z`; those that have gone meanwhile are none. */
function childrenOf(pid: number): string[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return pids.filter(Boolean).flatMap((child) => {
    try {
      return [readStatus(Number(child)).state];
    } catch {
      return [];
    }
  });
}

const shell = (script: string) => ({ image: 'busybox', args: ['sh', '-c', script] });

/** Starts a shell script that says when it is ready. */
async function ready(script: string, init: boolean): Promise<Container> {
  const box = await create({ ...shell(script), init });
  await box.start();
  await once(box.stdout!, 'readable');
  return box;
}

test.runIf(able)('before the payload there is a pid 1 that does nothing but its duty', async () => {
  const [own, ...rest] = (await inside('echo $$; ps -o pid,ppid,comm; true', { init: true })).split('\n');
  expect([own, ...rest.map((line) => line.trim().replace(/\s+/g, ' '))]).toEqual([
    '2',
    'PID PPID COMMAND',
    '1 0 tare-init',
    '2 1 sh',
    '3 2 ps',
  ]);
});

/** Their parent ends at once, they a little later, when the payload is a program that waits for nobody. */
const orphans = "sh -c 'for n in 1 2 3; do sleep 0.1 & done'; echo; exec sleep 60";

test.runIf(able)('orphans are reaped by pid 1, and stay as zombies where nobody does it', async () => {
  await using reaped = await ready(orphans, true);
  while (childrenOf(reaped.pid).length > 1) await new Promise(setImmediate);
  expect(childrenOf(reaped.pid)).not.toContain('Z');
  await using left = await ready(orphans, false);
  while (childrenOf(left.pid).filter((state) => state === 'Z').length < 3) await new Promise(setImmediate);
});

test.runIf(able)('signals reach the payload through pid 1', async () => {
  const traps = 'for s in HUP TERM USR1 WINCH; do trap "echo $s" $s; done; trap "exit 7" USR2';
  await using box = await create({ ...shell(`${traps}; echo ready; while :; do sleep 0.01; done`), init: true });
  await box.start();
  const next = async (): Promise<string> => String(((await once(box.stdout!, 'data')) as [Buffer])[0]).trim();
  expect(await next()).toBe('ready');
  for (const name of ['HUP', 'TERM', 'USR1', 'WINCH'] as const) {
    box.kill(`SIG${name}`);
    expect(await next()).toBe(name);
  }
  box.kill('SIGUSR2');
  expect(await box.exited).toMatchObject({ exitCode: 7, signal: undefined });
});

test.runIf(able)('a payload without a handler ends by the signal, unless it is itself pid 1', async () => {
  await using box = await ready('echo; exec sleep 60', true);
  box.kill('SIGTERM');
  expect(await box.exited).toMatchObject({ exitCode: 143 });
  await using deaf = await ready('echo; exec sleep 60', false);
  deaf.kill('SIGTERM');
  deaf.kill('SIGKILL');
  expect(await deaf.exited).toMatchObject({ exitCode: 137, signal: 'SIGKILL' });
});

test.runIf(able)('pid 1 exits as its child, and whatever else runs ends with it', async () => {
  const exit = (script: string) => run({ ...shell(script), init: true, stdio: 'ignore' });
  expect(await exit('exit 0')).toMatchObject({ exitCode: 0 });
  expect(await exit('sleep 60 & exit 42')).toMatchObject({ exitCode: 42, signal: undefined });
  expect(await exit('kill -KILL $$')).toMatchObject({ exitCode: 137 });
  expect(await exit('kill -SEGV $$')).toMatchObject({ exitCode: 139 });
});

test.runIf(able)('a command that is not there is an error with pid 1 too', async () => {
  const missing = run({ image: 'busybox', args: ['no-such-program'], init: true, stdio: 'ignore' });
  await expect(missing).rejects.toMatchObject({ errno: 'ENOENT', exitCode: 127 });
  const directory = run({ image: 'busybox', args: ['/etc'], init: true, stdio: 'ignore' });
  await expect(directory).rejects.toMatchObject({ errno: 'EACCES', exitCode: 126 });
});
