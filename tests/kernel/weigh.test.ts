/** What `tare weigh` promises of itself: that it finds what is there and nothing else, and that nothing is left of it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv } from 'ajv';
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { readMountinfo } from '../../src/linux/proc.ts';
import { vmCache } from '../../src/vm/cache.ts';
import { descendantsOf } from '../../src/weigh/processes.ts';
import type { Weighing } from '../../src/weigh/types/result.ts';
import { needs } from './needs.ts';

/** Alike in what could be left of them: a name with needs that are not met is not held to anything. */
const crowds = [
  'process,tare,crun',
  ...(needs('tool:lxc-execute', 'tool:systemd-nspawn', 'tool:podman') ? ['process,lxc,systemd-nspawn,podman'] : []),
  ...(needs('tool:containerd', 'tool:dockerd') ? ['process,containerd,docker'] : []),
  ...(needs('tool:qemu-system-x86_64') ? ['process,microvm-snapshot'] : []),
];
const able = needs('root', 'overlay', 'busybox', 'cgroup2');
const top = join(import.meta.dirname, '../..');
const tare = join(top, 'bin/tare.cjs');
const place = mkdtempSync(join(tmpdir(), 'tare-test-'));
const grounds = join(dirname(new Engine().scratch), 'weigh');
const env = { ...process.env, XDG_STATE_HOME: place };
const validate = new Ajv().compile(
  JSON.parse(readFileSync(join(top, 'src/weigh/types/weighing.schema.json'), 'utf8')) as object,
);

afterAll(() => rmSync(place, { recursive: true }));
/** Whatever a test did: all that is left is who held the lock last. */
afterEach(() => {
  if (existsSync(grounds)) expect(readdirSync(grounds)).toEqual(['holder']);
  expect(descendantsOf(process.pid).filter((pid) => argumentsOf(pid).includes('/stopwatch'))).toEqual([]);
});

const argumentsOf = (pid: number): string =>
  existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';

let files = 0;
const newFile = (): string => join(place, `${(files += 1)}.json`);

function weigh(...words: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [tare, 'weigh', ...words], { env, encoding: 'utf8', timeout: 55_000 });
}

function weighInto(...words: readonly string[]): { status: number | null; weighing: Weighing; stdout: string } {
  const file = newFile();
  const { status, stdout, stderr } = weigh(...words, '--json', file);
  if (!existsSync(file)) throw new Error(`no result: ${stderr}`);
  const weighing = JSON.parse(readFileSync(file, 'utf8')) as Weighing;
  expect(validate(weighing) ? [] : validate.errors).toEqual([]);
  return { status, weighing, stdout };
}

/** One that goes on for as long as it is let, when it has taken its first samples. */
async function startLong(...words: readonly string[]): Promise<{ child: ChildProcess; ended: Promise<unknown[]> }> {
  const before = new Set(journals());
  const child = spawn(process.execPath, [tare, 'weigh', 'start', '--runs', '100000', ...words], {
    env,
    stdio: 'ignore',
  });
  const ended = once(child, 'close');
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = () =>
    journals()
      .filter((path) => !before.has(path))
      .flatMap((path) => readFileSync(path, 'utf8').split('\n')).length;
  while (lines() < 5 && child.exitCode === null) await sleep(20);
  return { child, ended };
}

const journals = (): string[] => {
  const archive = join(place, 'tare/weighings');
  return existsSync(archive) ? readdirSync(archive).map((name) => join(archive, name)) : [];
};

/** In whichever hierarchy. */
const groupsOfPeers = (): string[] =>
  readMountinfo()
    .filter(({ type }) => type.startsWith('cgroup'))
    .flatMap(({ mountPoint }) => readdirSync(mountPoint).map((name) => join(mountPoint, name)))
    .filter((path) => path.includes('/tare-weigh-'));

/** Of machines: their snapshots, half made ones too, and where their memory lies. */
const leftOfMachines = (): string[] =>
  [join(vmCache(), 'snapshot'), join(grounds, '../vm')].flatMap((path) =>
    existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [],
  );

const series = ({ questions }: Weighing, backend: string, variant = 'warm') =>
  questions.flatMap((question) => question.series).find((one) => one.backend === backend && one.variant === variant);

describe.runIf(able)('a weighing', () => {
  test('writes what the schema says, and as much of it as was asked for', () => {
    const { status, weighing, stdout } = weighInto(
      'start',
      'rate',
      '--quick',
      '--runs',
      '6',
      '--backends',
      'process,tare,bwrap',
    );
    expect(status).toBe(0);
    expect(weighing.outcome).toBe('complete');
    expect(weighing.questions.map(({ name }) => name)).toEqual(['start', 'rate']);
    for (const name of ['process', 'tare', 'bwrap']) {
      expect(series(weighing, name)?.rounds).toEqual([0, 1, 2, 3, 4, 5]);
      expect(stdout).toContain(`\n${name} `);
    }
    expect(weighing.timelines.map(({ backend }) => backend)).toEqual(['tare']);
    expect(weighing.harness.length).toBe(2);
  });

  test('finds a payload that takes 20 ms more', () => {
    const [quick, slow] = [newFile(), newFile()];
    const common = ['start', '--quick', '--runs', '12', '--backends', 'process'];
    expect(weigh(...common, '--payload', 'busybox true', '--json', quick).status).toBe(0);
    expect(weigh(...common, '--payload', 'busybox usleep 20000', '--json', slow).status).toBe(0);
    const { status, stdout } = weigh('--compare', quick, slow);
    expect(stdout).toMatch(/start, warm +process .* worse$/m);
    expect(status).toBe(1);
    const back = weigh('--compare', slow, quick);
    expect(back.stdout).toMatch(/start, warm +process .* better$/m);
    expect(back.status).toBe(0);
  });

  test('names a payload that fails by what it said, and gives no number for it', () => {
    const payload = JSON.stringify(['sh', '-c', 'echo what a pity >&2; exit 9']);
    const { status, weighing, stdout } = weighInto(
      'start',
      '--runs',
      '6',
      '--backends',
      'process,tare',
      '--payload',
      payload,
    );
    expect(status).toBe(1);
    expect(weighing.outcome).toBe('incomplete');
    expect(weighing.backends.map(({ missing }) => missing?.reason)).toEqual([
      'run process: what a pity (exit code 9)',
      'run tare: what a pity (exit code 9)',
    ]);
    expect(stdout).toContain('tare: not measured: run tare: what a pity (exit code 9)');
    expect(weighing.questions.flatMap((question) => question.series)).toEqual([]);
  });

  test('goes on where one backend dies half-way, and says so', () => {
    // Fails from its tenth run on, and only where it can write: bwrap's root is read-only.
    const script = 'echo >> /tmp/runs || exit 0; [ $(wc -l < /tmp/runs) -lt 10 ] || { echo worn out >&2; exit 1; }';
    const root = join(place, 'root');
    spawnSync('cp', ['-a', join(top, 'dist/images/busybox/rootfs'), root]);
    const { status, weighing, stdout } = weighInto(
      ...['start', '--quick', '--runs', '20', '--backends', 'process,bwrap', '--image', `dir:${root}`],
      ...['--payload', JSON.stringify(['sh', '-c', script])],
    );
    expect(status).toBe(1);
    expect(weighing.outcome).toBe('incomplete');
    expect(series(weighing, 'process')?.failure).toBe('run process: worn out (exit code 1)');
    expect(series(weighing, 'process')?.rounds.length).toBeLessThan(9);
    expect(series(weighing, 'bwrap')?.rounds.length).toBe(20);
    expect(stdout).toContain('process ended early: run process: worn out (exit code 1)');
  });

  test('that is interrupted keeps what it has measured', async () => {
    const file = newFile();
    const { child, ended } = await startLong('--backends', 'process,tare,crun', '--json', file);
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    const weighing = JSON.parse(readFileSync(file, 'utf8')) as Weighing;
    expect(weighing.outcome).toBe('interrupted');
    expect(series(weighing, 'process')?.rounds.length).toBeGreaterThan(0);
  });

  test('is alone: a second one is told whom to wait for', async () => {
    const { child, ended } = await startLong('--backends', 'process');
    const second = weigh('start', '--backends', 'process');
    expect(second.status).toBe(125);
    expect(second.stderr).toContain(`process ${child.pid} weighs already`);
    child.kill('SIGINT');
    await ended;
  });

  test.each(crowds)(
    'of %s that is killed leaves its samples, no process, and the rest to the next',
    async (names) => {
      const [groups, machines] = [groupsOfPeers(), leftOfMachines()];
      const { child, ended } = await startLong('--backends', names);
      const before = descendantsOf(child.pid ?? -1);
      expect(before.some((pid) => argumentsOf(pid).includes('/stopwatch'))).toBe(true);
      child.kill('SIGKILL');
      await ended;
      while (before.some((pid) => argumentsOf(pid) !== '')) await sleep(20);
      expect(readdirSync(grounds).length).toBe(2);
      expect(weigh('start', '--runs', '2', '--backends', 'process').status).toBe(0);
      expect(readdirSync(grounds)).toEqual(['holder']);
      expect(groupsOfPeers()).toEqual(groups);
      expect(leftOfMachines()).toEqual(machines);
    },
    300_000,
  );

  test('says that the disk is full, after the table', () => {
    const { status, stdout, stderr } = weigh('start', '--runs', '2', '--backends', 'process', '--json', '/dev/full');
    expect(status).toBe(125);
    expect(stdout).toContain('\nprocess ');
    expect(stderr).toContain('tare: write /dev/full: ENOSPC (hint: the disk is full)');
  });

  test('goes on where raw samples cannot be kept, and says so', () => {
    const words = [tare, 'weigh', 'start', '--runs', '2', '--backends', 'process'];
    const nowhere = { ...env, XDG_STATE_HOME: '/proc/nowhere' };
    const { status, stderr } = spawnSync(process.execPath, words, { env: nowhere, encoding: 'utf8', timeout: 55_000 });
    expect(status).toBe(0);
    expect(stderr).toMatch(/raw samples are not kept: write \S+: ENOENT/);
  });
});

describe('what is asked for wrongly', () => {
  test.each([
    [['strat'], /no such question: strat \(did you mean start\?\); there are start, /],
    [['--backends', 'crum'], /no such backend: crum \(did you mean crun\?\); there are process, /],
    [['--quick', '--full'], /--quick, --full: one of them/],
    [['--runs', '0'], /--runs 0: out of range/],
    [['--payload', ''], /--payload ""?.*: empty/],
    [['--compare', '/nowhere.json'], /read the weighing \/nowhere.json: ENOENT/],
    [['--compare', join(top, 'package.json')], /it was not written by tare weigh --json/],
    [['--json', '/no/such/place.json'], /write \/no\/such\/place.json: ENOENT/],
    [['old.json'], /a result file goes with --compare/],
  ])('%j is refused', (words, message) => {
    const { status, stderr } = weigh(...words);
    expect(status).toBe(125);
    expect(stderr).toMatch(message);
  });
});
