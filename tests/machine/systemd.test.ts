/** Below a systemd that has the whole cgroup tree. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { inside } from '../kernel/container.ts';
import { needs } from '../kernel/needs.ts';
import { callByFiles } from '../conformance/oci/call.ts';
import { Scope } from '../conformance/oci/scope.ts';

const able = needs('root', 'overlay', 'cgroup2', 'tool:systemd-run');
const tare = join(import.meta.dirname, '../../bin/tare');

const failedUnits = (): string =>
  spawnSync('systemctl', ['--failed', '--no-legend', '--plain'], { encoding: 'utf8' }).stdout;

/** What a unit of its own makes of a command. */
function unit(properties: string[], command: string[]): { status: number | null; output: string } {
  const options = properties.flatMap((property) => ['--property', property]);
  const { status, stdout, stderr } = spawnSync(
    'systemd-run',
    ['--quiet', '--wait', '--pipe', '--collect', ...options, ...command],
    { encoding: 'utf8' },
  );
  return { status, output: `${stdout}${stderr}`.trim() };
}

test.runIf(able)('containers live beside the groups of systemd, which misses nothing', async () => {
  expect(readFileSync('/proc/1/comm', 'utf8')).toBe('systemd\n');
  const group = await inside('sed -n s/^0:://p /proc/self/cgroup', {
    name: 'tare-test-beside',
    namespaces: { cgroup: 'host' },
  });
  expect(group).not.toMatch(/system\.slice|init\.scope/);
  expect(failedUnits()).toBe('');
  expect(unit([], ['true'])).toEqual({ status: 0, output: '' });
});

test.runIf(able)('it does its work in a service, and gives its exit code to it', () => {
  const script = 'cat /sys/fs/cgroup/memory.max; exit 7';
  const found = unit([], [tare, 'run', '-m', '64m', 'busybox', 'sh', '-c', script]);
  expect(found).toEqual({ status: 7, output: String(64 * 2 ** 20) });
});

const limited = [tare, 'run', '-m', '64m', 'busybox', 'cat', '/sys/fs/cgroup/memory.max'];

/** The cure that tare itself names: whoever lives in the group to be divided moves into one below it. systemd would make one dollar of two. */
const move = 'cd /sys/fs/cgroup/$(sed -n s/^0:://p /proc/self/cgroup) && mkdir init && echo 0 > init/cgroup.procs';

test.runIf(able && needs('rootless'))('a user to whom systemd delegates a group sets limits in it', () => {
  const delegated = ['User=nobody', 'Delegate=yes'];
  expect(unit(delegated, ['sh', '-c', `${move} && exec "$@"`, 'sh', ...limited])).toEqual({
    status: 0,
    output: String(64 * 2 ** 20),
  });
  const { status, output } = unit(delegated, limited);
  expect(status).toBe(125);
  expect(output).toMatch(/processes live in .* \(hint: make a group such as .*\/init and move them there/);
});

test.runIf(able && needs('rootless'))('a user without such a group is told how to get one', () => {
  const { status, output } = unit(['User=nobody'], limited);
  expect(status).toBe(125);
  expect(output).toMatch(/memory/);
  expect(output).toMatch(/Delegate=yes/);
});

const checkout = join(import.meta.dirname, '../..');
const busybox = join(checkout, 'dist/images/busybox/rootfs');

const place = mkdtempSync(join(tmpdir(), 'tare-said-'));
afterAll(() => rmSync(place, { recursive: true }));

const scope = (): Scope =>
  new Scope({
    call: (...words) => callByFiles(place, words),
    systemctl: ['systemctl'],
    top: '/sys/fs/cgroup',
    checkout,
    resources: { memory: { limit: 64 * 2 ** 20 }, pids: { limit: 50 }, cpu: { quota: 50_000, period: 100_000 } },
  });

const fine = { status: 0, stderr: '' };

test.runIf(able)(
  'tare-oci leaves its group to systemd: a scope in its slice, with the limits as properties',
  async () => {
    using box = scope();
    expect(box.create()).toEqual(fine);
    expect(box.show('ActiveState')).toBe('active');
    expect(box.show('ControlGroup')).toBe(box.group.replace('/sys/fs/cgroup', ''));
    expect(['Delegate', 'MemoryMax', 'TasksMax', 'CPUQuotaPerSecUSec'].map((name) => box.show(name))).toEqual([
      'yes',
      String(64 * 2 ** 20),
      '50',
      '500ms',
    ]);
    expect(['memory.max', 'pids.max', 'cpu.max'].map((file) => box.read(file))).toEqual([
      String(64 * 2 ** 20),
      '50',
      '50000 100000',
    ]);
    // Who waited in it for the container is gone.
    expect(box.read('cgroup.procs').split('\n')).toHaveLength(1);

    expect(box.call('start')).toEqual(fine);
    expect(box.call('update', '--memory', String(96 * 2 ** 20))).toEqual(fine);
    expect(box.show('MemoryMax')).toBe(String(96 * 2 ** 20));
    expect(box.systemctl('daemon-reload').status).toBe(0);
    expect(box.read('memory.max')).toBe(String(96 * 2 ** 20));

    expect(box.call('pause')).toEqual(fine);
    expect(box.read('cgroup.events')).toContain('frozen 1');
    expect(box.call('resume')).toEqual(fine);

    expect(box.call('delete', '--force')).toEqual(fine);
    expect(box.exists()).toBe(false);
    // The same name at once: the old unit may still be on its way out.
    expect(box.create()).toEqual(fine);
    expect(box.call('delete', '--force')).toEqual(fine);
    expect(failedUnits()).toBe('');
  },
);

const podman = able && needs('busybox', 'tool:podman', 'tool:conmon');

test.runIf(podman)('podman, which leaves groups to systemd, has its limits kept', () => {
  const storage = mkdtempSync(join(tmpdir(), 'tare-podman-'));
  const run = (...words: string[]) =>
    spawnSync(
      'podman',
      ['--root', `${storage}/root`, '--runroot', `${storage}/run`, '--storage-driver', 'vfs', ...words],
      {
        encoding: 'utf8',
      },
    );
  try {
    spawnSync('tar', ['-C', busybox, '-cf', `${storage}/image.tar`, '.']);
    expect(run('import', `${storage}/image.tar`, 'busybox').status).toBe(0);
    const engine = ['--cgroup-manager', 'systemd', '--runtime', join(checkout, 'bin/tare-oci')];
    const limits = ['--network', 'none', '--memory', '64m', '--pids-limit', '50'];
    const script = 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max';
    const { status, stdout } = run(...engine, 'run', '--rm', ...limits, 'busybox', 'sh', '-c', script);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${64 * 2 ** 20}\n50\n` });
  } finally {
    rmSync(storage, { recursive: true, force: true });
  }
  expect(failedUnits()).toBe('');
});
