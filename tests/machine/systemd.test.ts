/** Below a systemd that has the whole cgroup tree. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inside } from '../kernel/container.ts';
import { needs } from '../kernel/needs.ts';

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

/** The cure that tare itself names: whoever lives in the group to be divided moves into one below it. */
const move = 'cd /sys/fs/cgroup/$(sed -n s/^0:://p /proc/self/cgroup) && mkdir init && echo $$ > init/cgroup.procs';

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
