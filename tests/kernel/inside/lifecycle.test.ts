import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { Cgroup } from '../../../src/cgroup/cgroup.ts';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';
import type { Container } from '../../../src/container/container.ts';
import type { CreateOptions } from '../../../src/container/run.ts';
import { create, run } from '../../../src/index.ts';
import { readCgroupMembership, readStatus } from '../../../src/linux/proc.ts';
import { bind, inside, temporaryDirectory } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');
const grouped = able && needs('cgroup2');

const shell = (script: string, more: Partial<CreateOptions> = {}): CreateOptions => ({
  image: 'busybox',
  args: ['sh', '-c', script],
  ...more,
});

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

function stateOf(pid: number): string | undefined {
  try {
    return readStatus(pid).state;
  } catch {
    return undefined;
  }
}

const groupOf = ({ pid }: Container): string => {
  const { path = '' } = readCgroupMembership(pid).find(({ hierarchy }) => hierarchy === 0) ?? {};
  return join(probeCgroups().mount ?? '', path);
};

test.runIf(able)('every exit code arrives', async () => {
  const codes = Array.from({ length: 256 }, (_, code) => code);
  const found: number[] = [];
  for (let from = 0; from < 256; from += 32) {
    const some = codes.slice(from, from + 32).map((code) => run(shell(`exit ${code}`, { stdio: 'ignore' })));
    found.push(...(await Promise.all(some)).map(({ exitCode }) => exitCode));
  }
  expect(found).toEqual(codes);
});

const deadly = ['SIGHUP', 'SIGINT', 'SIGABRT', 'SIGKILL', 'SIGUSR1', 'SIGSEGV', 'SIGPIPE', 'SIGTERM'] as const;

test.runIf(able)('a deadly signal arrives by its name and as 128 and its number', async () => {
  const ends = deadly.map((name) => constants.signals[name]).concat(34, 64);
  const host = { namespaces: { pid: 'host' }, stdio: 'ignore' } as const;
  const found = await Promise.all(ends.map((number) => run(shell(`ulimit -c 0; kill -${number} $$`, host))));
  expect(found.map(({ code, signal }) => [code, signal])).toEqual(
    [...deadly, 'SIG34', 'SIG64'].map((name) => [undefined, name]),
  );
  expect(found.map(({ exitCode }) => exitCode)).toEqual(ends.map((number) => 128 + number));
});

test.runIf(able)('the time that it used is told', async () => {
  const busy = await run(shell('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done', { stdio: 'ignore' }));
  const idle = await run(shell('sleep 0.2', { stdio: 'ignore' }));
  expect(busy.usage.user).toBeGreaterThan(20_000);
  expect(busy.usage.user).toBeGreaterThan(5 * idle.usage.user);
  expect(idle.usage.user + idle.usage.system).toBeLessThan(200_000);
});

test.runIf(able)('the payload waits for start, with everything ready around it', async () => {
  const place = temporaryDirectory();
  const options = shell('echo > /place/started; hostname', { mounts: [bind(place, '/place')], name: 'waiting-box' });
  await using box = await create(options);
  expect(existsSync(join(place, 'started'))).toBe(false);
  expect(readFileSync(`/proc/${box.pid}/mountinfo`, 'utf8')).toMatch(/ \/place /);
  expect(readFileSync(`/proc/${box.pid}/comm`, 'utf8')).not.toBe('sh\n');
  await box.start();
  expect(await text(box.stdout!)).toBe('waiting-box\n');
  expect(existsSync(join(place, 'started'))).toBe(true);
  expect(await box.exited).toMatchObject({ exitCode: 0 });
});

test.runIf(grouped)('what is disposed of has gone: its processes, its group, its mounts', async () => {
  let pid: number, group: string;
  {
    await using box = await create(shell('sleep 60 & sleep 60'));
    await box.start();
    ({ pid } = box);
    group = groupOf(box);
    expect([isAlive(pid), existsSync(group)]).toEqual([true, true]);
  }
  expect([isAlive(pid), existsSync(group)]).toEqual([false, false]);
});

test.runIf(grouped)('what is created and never started goes as well', async () => {
  const place = temporaryDirectory();
  const box = await create(shell('echo > /place/started', { mounts: [bind(place, '/place')] }));
  const group = groupOf(box);
  await box[Symbol.asyncDispose]();
  expect([isAlive(box.pid), existsSync(group), existsSync(join(place, 'started'))]).toEqual([false, false, false]);
  await expect(box.exited).rejects.toThrow(/killed/);
});

test.runIf(grouped)(
  'what it leaves running beside it ends with it, even where it shares the pids of the host',
  async () => {
    const script = 'sleep 61 & echo $!; exit 3';
    for (const namespaces of [{}, { pid: 'host' }] as const) {
      await using box = await create(shell(script, { namespaces }));
      const group = groupOf(box);
      await box.start();
      const [pid] = await Promise.all([text(box.stdout!), box.exited]);
      expect(await box.exited).toMatchObject({ exitCode: 3 });
      expect(existsSync(group)).toBe(false);
      // Its new parent, the host's first process, may take its time to bury it.
      if ('pid' in namespaces) expect(['Z', undefined]).toContain(stateOf(Number(pid)));
    }
  },
);

test.runIf(able)('a run that is aborted rejects with the reason, and nothing goes on', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  await using marker = await create(shell('sleep 60'));
  await marker.start();
  const place = temporaryDirectory();
  const running = run(
    shell('echo > /place/started; sleep 60; echo > /place/ended', {
      mounts: [bind(place, '/place')],
      signal: controller.signal,
      stdio: 'ignore',
    }),
  );
  while (!existsSync(join(place, 'started'))) await new Promise(setImmediate);
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
  expect(existsSync(join(place, 'ended'))).toBe(false);
  // What was aborted before never starts.
  await expect(run(shell('echo > /place/again', { signal: controller.signal }))).rejects.toBe(reason);
  expect(isAlive(marker.pid)).toBe(true);
});

test.runIf(able)('a signal that aborts kills a container that was created with it', async () => {
  const controller = new AbortController();
  await using box = await create(shell('sleep 60', { signal: controller.signal }));
  await box.start();
  controller.abort();
  expect(await box.exited).toMatchObject({ signal: 'SIGKILL', exitCode: 137 });
});

test.runIf(grouped)('a container that is paused stands still, and goes on when resumed', async () => {
  await using box = await create(shell('echo; while :; do :; done'));
  await box.start();
  await once(box.stdout!, 'data');
  const ticks = (): number => Number(readFileSync(`/proc/${box.pid}/stat`, 'utf8').split(' ')[13]);
  while (ticks() === 0) await new Promise(setImmediate);
  await box.pause();
  const [group, before] = [new Cgroup(groupOf(box)), ticks()];
  expect(readFileSync(join(group.path, 'cgroup.events'), 'utf8')).toContain('frozen 1');
  for (let n = 0; n < 20_000; n += 1) ticks();
  expect(ticks()).toBe(before);
  await box.resume();
  while (ticks() === before) await new Promise(setImmediate);
  // A container can be ended while it is paused.
  await box.pause();
  box.kill('SIGKILL');
  expect(await box.exited).toMatchObject({ signal: 'SIGKILL' });
});

test.runIf(grouped && needs('psi'))('its use of the machine and its waits can be asked for', async () => {
  await using box = await create(shell('echo; while :; do :; done'));
  await box.start();
  await once(box.stdout!, 'data');
  while (((await box.stats()).cpu?.usageMicroseconds ?? 0) < 10_000) await new Promise(setImmediate);
  expect((await box.pressure()).cpu?.some).toBeDefined();
});

test.runIf(able)('signals are sent by name or number, SIGTERM unless said otherwise', async () => {
  const script =
    'for s in TERM USR1 HUP; do trap "echo $s" $s; done; trap "echo USR2; exit" USR2; echo; while :; do sleep 0.01; done';
  const box = await create(shell(script));
  await using _ = box;
  await box.start();
  const heard: string[] = [];
  const next = async (): Promise<void> =>
    void heard.push(String(((await once(box.stdout!, 'data')) as [Buffer])[0]).trim());
  await next();
  for (const signal of [undefined, 'SIGUSR1', constants.signals.SIGHUP, 'SIGUSR2'] as const) {
    box.kill(signal);
    await next();
  }
  expect(heard).toEqual(['', 'TERM', 'USR1', 'HUP', 'USR2']);
  await box.exited;
  box.kill('SIGKILL'); // to one that has ended, nothing
});

test.runIf(able)('it starts where it is told to, with the environment of the image and its own', async () => {
  const options = { cwd: '/new/place', env: ['A=1', 'B=two words', 'A=3'], hostname: 'named', terminal: false };
  expect((await inside('pwd; env | sort', options)).split('\n')).toEqual([
    '/new/place',
    'A=3',
    'B=two words',
    'HOME=/root',
    'HOSTNAME=named',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'PWD=/new/place',
    'SHLVL=1',
  ]);
});
