import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import type { CreateOptions } from '../../../src/container/run.ts';
import { create, run } from '../../../src/index.ts';
import { inside, probeInside, probeMount, temporaryDirectory } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');
const tare = join(import.meta.dirname, '../../../bin/tare');
const shell = (script: string, more: Partial<CreateOptions> = {}): CreateOptions => ({
  image: 'busybox',
  args: ['sh', '-c', script],
  ...more,
});

/** A file of a directory that goes with the test, open while it runs. */
function open(path: string, flags: string): number {
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  return fd;
}

test.runIf(able)('it has our own streams where it inherits them', () => {
  const script = 'cat; echo complaint >&2; exit 3';
  const ended = spawnSync(tare, ['run', '-i', 'busybox', 'sh', '-c', script], {
    input: 'to and fro\n',
    encoding: 'utf8',
  });
  expect([ended.stdout, ended.stderr, ended.status]).toEqual(['to and fro\n', 'complaint\n', 3]);
  // Without -i it reads nothing.
  const deaf = spawnSync(tare, ['run', 'busybox', 'cat'], { input: 'to and fro\n', encoding: 'utf8' });
  expect([deaf.stdout, deaf.status]).toEqual(['', 0]);
});

test.runIf(able)('pipes carry what goes in, and what comes out by either stream', async () => {
  await using box = await create(shell('while read line; do echo "heard $line"; done; echo end >&2'));
  await box.start();
  box.stdin?.write('one\n');
  box.stdin?.end('two\n');
  const [stdout, stderr] = await Promise.all([text(box.stdout!), text(box.stderr!)]);
  expect([stdout, stderr]).toEqual(['heard one\nheard two\n', 'end\n']);
});

test.runIf(able)('what is ignored is /dev/null', async () => {
  const options = { mounts: [probeMount()], args: ['/probe', 'fds'] };
  const { stdout } = await run({ image: 'busybox', ...options, stdio: ['ignore', 'pipe', 'ignore'] });
  expect(JSON.parse(stdout!)).toMatchObject({ 0: '/dev/null', 2: '/dev/null' });
});

test.runIf(able)('files of ours can be its streams, and any number of others', async () => {
  const place = temporaryDirectory();
  writeFileSync(join(place, 'in'), 'input\n');
  writeFileSync(join(place, 'three'), 'third\n');
  const [input, output, three] = [
    open(join(place, 'in'), 'r'),
    open(join(place, 'out'), 'w'),
    open(join(place, 'three'), 'r'),
  ];
  const script = 'cat; cat <&3; echo fourth >&4; /probe fds >&2';
  await using box = await create({
    ...shell(script, { mounts: [probeMount()] }),
    stdio: [input, output, 'pipe', three, output, 'ignore'],
  });
  await box.start();
  const fds = JSON.parse(await text(box.stderr!)) as Record<string, string>;
  expect(Object.keys(fds)).toEqual(['0', '1', '2', '3', '4', '5']);
  expect(fds[5]).toBe('/dev/null');
  await box.exited;
  expect(readFileSync(join(place, 'out'), 'utf8')).toBe('input\nthird\nfourth\n');
});

test.runIf(able)('a pipe can have any number', async () => {
  await using box = await create({
    ...shell('echo five >&5'),
    stdio: ['ignore', 'ignore', 'ignore', 'ignore', 'ignore', 'pipe'],
  });
  await box.start();
  expect(await text(box.stdio[5]!)).toBe('five\n');
  expect(box.stdio[3]).toBeUndefined();
});

/** Where files of ours could be left open, by what each way of making a container opens. */
const ways: Record<string, Partial<CreateOptions>> = {
  'as usual': {},
  'with pid 1 before it': { init: true },
  'in a user namespace': { namespaces: { user: 'new' } },
  'with a mount of mapped ids': {
    uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
    mounts: [{ type: 'bind', source: '/etc', target: '/mapped', options: ['ro', 'bind', 'idmap'] }],
  },
  'with clocks of its own': { timeOffsets: { monotonic: 1 } },
  'as another user': { user: '1000', noNewPrivileges: true },
};

for (const [way, options] of Object.entries(ways)) {
  test.runIf(able)(`nothing but its streams is open, ${way}`, async () => {
    expect(Object.keys(await probeInside('fds', options))).toEqual(['0', '1', '2']);
  });
}

test.runIf(able)('pid 1 before it has nothing open but the streams either', async () => {
  expect(await inside('ls /proc/1/fd', { init: true })).toBe('0\n1\n2');
});

test.runIf(able)('fifty megabytes arrive as they were sent', async () => {
  const size = 50 * 2 ** 20;
  const hash = (): ReturnType<typeof createHash> => createHash('sha256');
  await using box = await create(shell(`yes 0123456789abcde | head -c ${size}`));
  const found = hash();
  box.stdout?.on('data', (chunk: Buffer) => found.update(chunk));
  const whole = once(box.stdout!, 'end');
  await box.start();
  await whole;
  expect(found.digest('hex')).toBe(
    hash()
      .update('0123456789abcde\n'.repeat(size / 16))
      .digest('hex'),
  );
});

test.runIf(able)('what goes in comes out again, however much', async () => {
  const letters = 'abcdefghijklmnopqrstuvwxyz\n'.repeat(200_000);
  await using box = await create({ image: 'busybox', args: ['cat'] });
  await box.start();
  box.stdin?.end(letters);
  expect((await text(box.stdout!)) === letters).toBe(true);
});

test.runIf(able)('it ends by SIGPIPE when nobody reads any more', async () => {
  // A first process is spared signals that it has no handler for (pid_namespaces(7)), and sees EPIPE.
  for (const [init, exitCode] of [
    [true, 141],
    [false, 1],
  ] as const) {
    await using box = await create({ image: 'busybox', args: ['yes'], init });
    await box.start();
    box.stdout?.destroy();
    expect(await box.exited).toMatchObject({ exitCode });
  }
});
