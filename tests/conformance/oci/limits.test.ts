/** config-linux.md, "Control groups": limits that hold, by whichever version of cgroups this host has each controller. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { probeCgroups, v1Name } from '../../../src/cgroup/hierarchy.ts';
import { readMountinfo } from '../../../src/linux/proc.ts';
import type { Resources } from '../../../src/spec/resources.ts';
import { needs } from '../../kernel/needs.ts';
import { Bundle, eventually, plainSpec, saying } from './bundle.ts';
import { testOf } from './deviations.ts';
import { type Runtime, runtimes, tareOci } from './runtimes.ts';

const able = needs('root', 'busybox', 'cgroup2', 'limit:memory', 'limit:cpu', 'limit:cpuset', 'limit:pids');
const mebibyte = 2 ** 20;
const { mount = '', v1 } = probeCgroups();
const hierarchies = readMountinfo()
  .filter(({ type }) => type.startsWith('cgroup'))
  .map(({ mountPoint }) => mountPoint);

function limited(runtime: Runtime, resources: Resources, args: readonly string[]): Bundle {
  const spec = plainSpec(args);
  return new Bundle(runtime, { ...spec, linux: { ...spec.linux, resources } });
}

function started(runtime: Runtime, resources: Resources, args: readonly string[] = ['sleep', '1000']): Bundle {
  const box = limited(runtime, resources, args);
  expect(box.create()).toMatchObject({ status: 0 });
  expect(box.start()).toMatchObject({ status: 0 });
  return box;
}

/** The group of a process, in the hierarchy of the controller. */
function groupOf(pid: number, controller: string): string {
  const name = v1Name(controller);
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  const [, , path = ''] =
    lines
      .map((line) => line.split(':'))
      .find(([, names = '']) => (v1[name] === undefined ? names === '' : names.split(',').includes(name))) ?? [];
  return join(v1[name] ?? mount, path);
}

/** What a file of its group says, by the name that it has in v1, or in v2. */
function said(box: Bundle, controller: string, ofV1: string, ofV2: string): string {
  const file = v1[v1Name(controller)] === undefined ? ofV2 : ofV1;
  return readFileSync(join(groupOf(box.state().pid ?? 0, controller), file), 'utf8').trim();
}

const memoryMax = (box: Bundle): string => said(box, 'memory', 'memory.limit_in_bytes', 'memory.max');
const pidsMax = (box: Bundle): string => said(box, 'pids', 'pids.max', 'pids.max');

describe.runIf(able).each(runtimes)('$name', (runtime) => {
  const it = testOf(runtime);

  it('memory, CPU time, processors and processes: the group has what is asked for', () => {
    using box = started(runtime, {
      memory: { limit: 64 * mebibyte, swap: 96 * mebibyte },
      cpu: { quota: 50_000, period: 100_000, cpus: '0' },
      pids: { limit: 17 },
    });
    expect(memoryMax(box)).toBe(String(64 * mebibyte));
    expect(said(box, 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max')).toBe(
      String((v1.memory === undefined ? 32 : 96) * mebibyte),
    );
    expect(said(box, 'cpu', 'cpu.cfs_quota_us', 'cpu.max').split(' ')[0]).toBe('50000');
    expect(said(box, 'cpuset', 'cpuset.cpus', 'cpuset.cpus')).toBe('0');
    expect(pidsMax(box)).toBe('17');
  });

  it('pids.limit: no process more', async () => {
    const script = 'n=0; while [ $n -lt 9 ]; do sleep 100 & n=$((n + 1)); done 2>/said; echo $n >/forked';
    using box = started(runtime, { pids: { limit: 5 } }, ['sh', '-c', script]);
    await box.until('stopped');
    expect(box.read('said')).toContain("can't fork");
    expect(box.read('forked')).toBeUndefined();
  });

  it('memory.limit: who needs more is killed', async () => {
    const script =
      'head -c 64m /dev/zero | tail -c 64m >/dev/null; echo $? >/code; head -c 1m /dev/zero | tail -c 1m >/dev/null; echo $? >>/code';
    using box = started(runtime, { memory: { limit: 16 * mebibyte, swap: 16 * mebibyte } }, ['sh', '-c', script]);
    await box.until('stopped');
    expect(box.read('code')).toBe('137\n0\n');
  });

  it('cpu.cpus: it runs there and nowhere else', async () => {
    const script = 'grep Cpus_allowed_list /proc/self/status >/cpus';
    using box = started(runtime, { cpu: { cpus: '0' } }, ['sh', '-c', script]);
    await box.until('stopped');
    expect(box.read('cpus')).toBe('Cpus_allowed_list:\t0\n');
  });

  it('exec: what is added lives under the same limits', () => {
    using box = started(runtime, { memory: { limit: 64 * mebibyte }, pids: { limit: 9 } });
    const { pid = 0 } = box.state();
    expect(box.call('exec', ['--detach', '--pid-file', box.at('pid'), box.id, 'sleep', '1000'])).toMatchObject({
      status: 0,
    });
    const added = Number(readFileSync(box.at('pid'), 'utf8'));
    for (const controller of ['memory', 'pids']) expect(groupOf(added, controller)).toBe(groupOf(pid, controller));
  });

  it('update: limits are raised and lowered, and the others stay', () => {
    using box = started(runtime, { memory: { limit: 64 * mebibyte, swap: 64 * mebibyte }, pids: { limit: 9 } });
    const update = (resources: Resources): void => {
      writeFileSync(box.at('resources.json'), JSON.stringify(resources));
      const words = ['--resources', box.at('resources.json'), box.id];
      expect(box.call('update', words)).toMatchObject({ status: 0, stderr: '' });
    };
    for (const [count, pids] of [
      [128, 12],
      [32, 12],
      [48, 7],
    ] as const) {
      const limit = count * mebibyte;
      update({ memory: { limit, swap: limit }, pids: { limit: pids } });
      expect([memoryMax(box), pidsMax(box)]).toEqual([String(limit), String(pids)]);
    }
    update({ cpu: { quota: 20_000, period: 50_000 } });
    expect(said(box, 'cpu', 'cpu.cfs_quota_us', 'cpu.max').split(' ')[0]).toBe('20000');
    expect([memoryMax(box), pidsMax(box)]).toEqual([String(48 * mebibyte), '7']);
  });

  it('events: what is used, of how much, and how often it was held back', async () => {
    const spin = ['sh', '-c', 'while :; do :; done'];
    using box = started(
      runtime,
      { memory: { limit: 64 * mebibyte }, cpu: { quota: 10_000 }, pids: { limit: 9 } },
      spin,
    );
    interface Data {
      cpu: { usage: { total: number }; throttling: { throttledPeriods: number } };
      memory: { usage: { limit: number; usage: number } };
      pids: { current: number; limit: number };
    }
    const look = (): Data => (JSON.parse(box.call('events', ['--stats', box.id]).stdout) as { data: Data }).data;
    await eventually('it is held back', () => look().cpu.throttling.throttledPeriods > 0);
    const { cpu, memory, pids } = look();
    expect(cpu.usage.total).toBeGreaterThan(0);
    expect(memory.usage).toMatchObject({ limit: 64 * mebibyte });
    expect(memory.usage.usage).toBeGreaterThan(0);
    expect(pids).toEqual({ current: 1, limit: 9 });
  });

  it('delete: no group is left in any hierarchy', () => {
    using box = started(runtime, { memory: { limit: 64 * mebibyte }, cpu: { shares: 512 }, pids: { limit: 9 } });
    const groups = ['memory', 'cpu', 'pids', 'io', 'cpuset'].map((name) => groupOf(box.state().pid ?? 0, name));
    expect(box.call('kill', [box.id, 'KILL'])).toMatchObject({ status: 0 });
    expect(box.call('delete', ['--force', box.id])).toMatchObject({ status: 0 });
    expect(groups.filter((group) => existsSync(group) && group.includes(box.id))).toEqual([]);
  });

  it('a limit that contradicts itself undoes the create', () => {
    using box = limited(runtime, { memory: { limit: 64 * mebibyte, swap: 32 * mebibyte } }, ['true']);
    expect(box.create().status).not.toBe(0);
    onTestFinished(() => left().forEach((group) => rmdirSync(group)));
    const tops = hierarchies.flatMap((top) => [top, join(top, 'tare-oci')]);
    const left = (): string[] => tops.map((top) => join(top, box.id)).filter((group) => existsSync(group));
    expect(left()).toEqual([]);
    expect(box.call('state', [box.id]).status).not.toBe(0);
  });
});

describe.runIf(able && Object.keys(v1).length > 0)('tare-oci, beside cgroup v1', () => {
  test('a group that has been left empty is taken over, one in which somebody lives is not', () => {
    using first = started(tareOci, { pids: { limit: 9 } });
    const [spec, cgroupsPath] = [plainSpec(['sleep', '1000']), `/tare-oci/${first.id}`];
    using second = new Bundle(tareOci, { ...spec, linux: { ...spec.linux, cgroupsPath } });
    expect(second.create()).toMatchObject({ status: 1, stderr: saying("container's cgroup is not empty") });
    expect(first.state().status).toBe('running');
    first.call('delete', ['--force', first.id]);
    const left = join(v1.pids ?? '', cgroupsPath);
    mkdirSync(left);
    writeFileSync(join(left, 'pids.max'), '3');
    expect(second.create()).toMatchObject({ status: 0, stderr: '' });
    expect(pidsMax(second)).toBe('max');
  });
});
