/** Questions that Debian's tools answer, asked of a process, a container and a virtual machine. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { readMountinfo } from '../../src/linux/proc.ts';
import { commandLineOf, descendantsOf } from '../../src/weigh/processes.ts';
import type { QuestionName } from '../../src/weigh/types/question.ts';
import type { QuestionEntry, Weighing } from '../../src/weigh/types/result.ts';
import { needs } from './needs.ts';

const able =
  needs('root', 'overlay', 'cgroup2') &&
  needs('tool:sysbench', 'tool:fio', 'tool:iperf3', 'tool:redis-benchmark', 'tool:ip', 'tool:mke2fs');
const machine = needs('tool:qemu-system-x86_64') ? ['microvm-tcg'] : [];
const tare = join(import.meta.dirname, '../../bin/tare.cjs');
const place = mkdtempSync(join(tmpdir(), 'tare-test-'));
const env = { ...process.env, XDG_STATE_HOME: place };
const grounds = ['/run/tare/weigh', '/var/cache/tare/weigh'];
const mounts = (): string[] => readMountinfo().map(({ mountPoint }) => mountPoint);
const before = mounts();

afterAll(() => rmSync(place, { recursive: true }));
/** The name of who held the lock last is all that a weighing leaves. */
afterEach(() => {
  const left = grounds.filter((path) => existsSync(path)).flatMap((path) => readdirSync(path));
  const abandoned = (name: string): boolean => !existsSync(`/proc/${name.split('-')[0]}`);
  expect(left.filter((name) => name !== 'holder' && abandoned(name))).toEqual([]);
  expect(mounts()).toEqual(before);
  expect(descendantsOf(process.pid).map(commandLineOf).filter(isOfWeighing)).toEqual([]);
});

const isOfWeighing = (words: readonly string[]): boolean => /iperf3|redis|payload|stopwatch|qemu/.test(words.join(' '));

function ask(question: QuestionName, backends: readonly string[]): { status: number | null; entry?: QuestionEntry } {
  const file = join(place, `${question}.json`);
  const words = [tare, 'weigh', question, '--quick', '--runs', '1', '--backends', backends.join(), '--json', file];
  const { status, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
  if (!existsSync(file)) throw new Error(`no result: ${stderr}`);
  const { questions, backends: entries } = JSON.parse(readFileSync(file, 'utf8')) as Weighing;
  expect(entries.flatMap(({ missing }) => missing?.reason ?? [])).toEqual([]);
  return { status, ...(questions[0] && { entry: questions[0] }) };
}

const measuresOf: Partial<Record<QuestionName, readonly string[]>> = {
  cpu: ['primes', 'compress'],
  syscalls: ['null', 'time-vdso', 'time-kernel', 'open-close', 'fork-exec', 'switch', 'page-fault', 'map-gigabyte'],
  bandwidth: ['triad', 'random'],
  disk: [
    ...['randread-1', 'randread-32', 'randwrite-1', 'randwrite-32', 'read-1', 'read-32', 'write-1', 'write-32'],
    'randread-p99',
  ],
  network: ['p50', 'p99', 'out', 'in'],
  app: ['response', 'requests', 'set', 'get'],
};

/** What the outermost of them pass through, where that is told. */
const ways: Partial<Record<QuestionName, readonly string[]>> = {
  disk: ['the host’s filesystem', 'bind mount', 'virtio-blk'],
  network: ['veth', 'veth', 'virtio-net'],
  app: ['veth', 'veth', 'virtio-net'],
};

describe.runIf(able)('the question', () => {
  const backends = ['process', 'tare', ...machine];

  test.each(Object.entries(measuresOf) as [QuestionName, string[]][])(
    '%s is answered by each, in all its measures',
    { timeout: 300_000 },
    (question, measures) => {
      const { status, entry } = ask(question, backends);
      expect(status).toBe(0);
      expect(entry?.missing).toEqual([]);
      for (const backend of backends) {
        const all = entry?.series.filter((one) => one.backend === backend) ?? [];
        const values = Object.assign({}, ...all.map((one) => one.values)) as Record<string, number[]>;
        expect(Object.keys(values)).toEqual(measures);
        expect(Object.values(values).every(([value = 0]) => value > 0)).toBe(true);
        const through = ways[question]?.[backends.indexOf(backend)];
        expect(all[0]?.through).toBe(through);
      }
    },
  );

  test('network, killed half-way, leaves no process and no namespace', { timeout: 120_000 }, async () => {
    const words = [tare, 'weigh', 'network', '--runs', '1000', '--backends', 'process'];
    const child = spawn(process.execPath, words, { env, stdio: 'ignore' });
    const ended = once(child, 'close');
    const own = (): number[] => descendantsOf(child.pid ?? -1);
    const pinging = (pid: number): boolean => commandLineOf(pid).includes('ping');
    while (child.exitCode === null && !own().some(pinging)) await sleep(20);
    const started = own();
    child.kill('SIGKILL');
    await ended;
    while (started.some((pid) => commandLineOf(pid).length > 0)) await sleep(20);
    expect(ask('network', ['process']).status).toBe(0);
  });
});
