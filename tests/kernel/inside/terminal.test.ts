import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Container } from '../../../src/container/container.ts';
import type { CreateOptions } from '../../../src/container/run.ts';
import { create } from '../../../src/index.ts';
import { bundle, inside, probeMount } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');
const tare = join(import.meta.dirname, '../../../bin/tare');

/** Someone at the terminal: types, and waits until something appears. */
class Sitter {
  readonly #box: Container;
  #seen = '';
  #wake = (): void => {};

  constructor(box: Container) {
    this.#box = box;
    box.terminal?.on('data', (chunk: Buffer) => {
      this.#seen += chunk.toString();
      this.#wake();
    });
  }

  type(text: string): void {
    this.#box.terminal?.write(text);
  }

  /** What has appeared up to the end of `mark`, less carriage returns. */
  async until(mark: string): Promise<string> {
    for (;;) {
      const at = this.#seen.indexOf(mark);
      if (at >= 0) {
        const text = this.#seen.slice(0, at + mark.length);
        this.#seen = this.#seen.slice(at + mark.length);
        return text.replaceAll('\r', '');
      }
      await Promise.race([
        new Promise<void>((resolve) => (this.#wake = resolve)),
        this.#box.exited.then(() => Promise.reject(new Error(`ended after ${JSON.stringify(this.#seen)}`))),
      ]);
    }
  }
}

const terminal = (script: string, more: Partial<CreateOptions> = {}): CreateOptions => ({
  image: 'busybox',
  args: ['sh', '-c', `${script}; printf '<end>'; read wait`],
  terminal: true,
  ...more,
});

async function seen(script: string, more: Partial<CreateOptions> = {}): Promise<string[]> {
  await using box = await create(terminal(script, more));
  const sitter = new Sitter(box);
  await box.start();
  return (await sitter.until('<end>')).replace('<end>', '').trim().split('\n');
}

test.runIf(able)('it sits at a terminal of its own devpts, which is /dev/console too', async () => {
  const look = [
    'tty',
    'for n in 0 1 2; do readlink /proc/self/fd/$n; done',
    'stat -c %t:%T /dev/console',
    'stat -c "%t:%T %a %u:%g" $(tty)',
    'ls /dev/pts',
    'echo $TERM',
    'echo written > /dev/tty',
  ].join('; ');
  expect(await seen(look)).toEqual([
    ...Array<string>(4).fill('/dev/pts/0'),
    '88:0',
    '88:0 620 0:5',
    '0     ptmx',
    'xterm',
    'written',
  ]);
});

test.runIf(able)('a user owns its terminal, in a user namespace too', async () => {
  const look = 'stat -c "%a %u:%g" $(tty); test -w $(tty) && echo mine';
  expect(await seen(look, { user: '1000' })).toEqual(['620 1000:5', 'mine']);
  expect(await seen(look, { user: '1000', namespaces: { user: 'new' } })).toEqual(['620 1000:5', 'mine']);
});

test.runIf(able)('it leads a session in the foreground, and nothing else is open', async () => {
  const [self, fds] = await seen('/probe self; /probe fds', { mounts: [probeMount()] });
  const { session, foreground, group, pid } = JSON.parse(self!) as Record<string, number>;
  expect([session, foreground === group || foreground === session, pid! > 1]).toEqual([1, true, true]);
  expect(JSON.parse(fds!)).toEqual({ 0: '/dev/pts/0', 1: '/dev/pts/0', 2: '/dev/pts/0' });
});

test.runIf(able)('its window has the size that was asked for, and hears of another', async () => {
  const script = 'stty size; trap "stty size; echo changed" WINCH; echo trapped; while :; do sleep 0.01; done';
  await using box = await create(terminal(script, { consoleSize: { width: 91, height: 37 } }));
  const sitter = new Sitter(box);
  await box.start();
  expect(await sitter.until('trapped')).toBe('37 91\ntrapped');
  box.resize(120, 50);
  expect(await sitter.until('changed')).toBe('\n50 120\nchanged');
});

test.runIf(able)('what is typed is read, and shown again unless that is turned off', async () => {
  await using box = await create(
    terminal('read one; echo "heard $one"; stty -echo; echo silent; read two; echo "heard $two"'),
  );
  const sitter = new Sitter(box);
  await box.start();
  sitter.type('hello\n');
  expect(await sitter.until('silent')).toBe('hello\nheard hello\nsilent');
  sitter.type('secret\n');
  expect(await sitter.until('heard secret')).toBe('\nheard secret');
});

for (const init of [false, true]) {
  test.runIf(able)(
    `Ctrl-C interrupts what runs in the foreground, Ctrl-D ends its input${init ? ', below pid 1 too' : ''}`,
    async () => {
      const script = 'trap "echo interrupted" INT; echo ready; cat; read line || echo end';
      await using box = await create(terminal(script, { init }));
      const sitter = new Sitter(box);
      await box.start();
      await sitter.until('ready');
      sitter.type('line\n');
      await sitter.until('line\nline'.replace('\n', '\r\n'));
      sitter.type('\x03');
      await sitter.until('interrupted');
      sitter.type('\x04');
      await sitter.until('end');
    },
  );
}

test.runIf(able)('it hears of it when its terminal is gone', async () => {
  await using box = await create(terminal('trap "exit 9" HUP; echo trapped; while :; do sleep 0.01; done'));
  const sitter = new Sitter(box);
  await box.start();
  await sitter.until('trapped');
  box.terminal?.destroy();
  expect(await box.exited).toMatchObject({ exitCode: 9 });
});

test.runIf(able)(
  'what was written before the far side was closed is read, though libuv takes it for ended',
  async () => {
    const lines = Array.from({ length: 300 }, (_, line) => `line ${line}`);
    await using box = await create({
      image: 'busybox',
      args: ['sh', '-c', 'i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i + 1)); done'],
      terminal: true,
    });
    await box.start();
    await box.exited; // nobody has read a letter so far
    box.terminal?.push(null); // as libuv does where a hang-up comes with a read that was short
    const pieces: unknown[] = [];
    for await (const piece of box.terminal ?? []) pieces.push(piece);
    expect(
      Buffer.concat(pieces as Buffer[])
        .toString()
        .trimEnd()
        .split('\r\n'),
    ).toEqual(lines);
  },
);

test.runIf(able)('without a terminal there is none', async () => {
  const look =
    'tty; test -e /dev/console || echo no console; (: < /dev/tty) 2>&1 | grep -o "No such device or address"';
  expect((await inside(look)).split('\n')).toEqual(['not a tty', 'no console', 'No such device or address']);
});

test.runIf(able)('a bundle without a devpts cannot have a terminal', async () => {
  const image = bundle((spec) => ({ ...spec, process: { ...spec.process, terminal: true } }));
  await expect(create({ image })).rejects.toThrow(/make a terminal: ENOENT|ENXIO/);
});

test.runIf(able && needs('tool:script'))('on the command line our terminal becomes its own', () => {
  const inner = 'tty; stty size; stat -c %t:%T /dev/console; exit 5';
  const command = `stty rows 33 cols 77; ${tare} run -t busybox sh -c '${inner}'`;
  const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
  expect(stdout.replaceAll('\r', '').trim().split('\n')).toEqual(['/dev/pts/0', '33 77', '88:0']);
  expect(status).toBe(5);
});

test.runIf(able && needs('tool:script'))("a short command's last words appear before the command line ends", () => {
  for (let time = 0; time < 15; time += 1) {
    const command = `${tare} run -t busybox sh -c 'tty; exit 5'`;
    const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
    expect([stdout.trim(), status]).toEqual(['/dev/pts/0', 5]);
  }
});
