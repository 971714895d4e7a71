import { spawnSync } from 'node:child_process';
import { existsSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import type { CreateOptions } from '../../../src/container/run.ts';
import { create, run } from '../../../src/index.ts';
import type { NamespaceKind, RunRequest } from '../../../src/spec/request.ts';
import { inside, probeInside, probeOutside } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');

/** Under /proc/PID/ns. */
const file: Record<NamespaceKind, string> = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
};
const kinds = Object.keys(file) as NamespaceKind[];
const everyId = [{ containerID: 0, hostID: 0, size: 2 ** 32 - 1 }];

const show = kinds.map((kind) => `readlink /proc/self/ns/${file[kind]}`).join('; ');

type Namespaces = Record<NamespaceKind, string>;

async function namespacesInside(options: Partial<CreateOptions>): Promise<Namespaces> {
  const links = (await inside(show, options)).split('\n');
  return Object.fromEntries(kinds.map((kind, index) => [kind, links[index]])) as Namespaces;
}

const namespacesOf = (pid: number | 'self'): Namespaces =>
  Object.fromEntries(kinds.map((kind) => [kind, readlinkSync(`/proc/${pid}/ns/${file[kind]}`)])) as Namespaces;

const pathsOf = (pid: number, of: readonly NamespaceKind[]): RunRequest['namespaces'] =>
  Object.fromEntries(of.map((kind) => [kind, { path: `/proc/${pid}/ns/${file[kind]}` }]));

const differing = (one: Namespaces, other: Namespaces): NamespaceKind[] =>
  kinds.filter((kind) => one[kind] !== other[kind]);

test.runIf(able)('six of the eight namespaces are its own unless asked otherwise', async () => {
  const found = await namespacesInside({});
  expect(differing(found, namespacesOf('self'))).toEqual(['pid', 'network', 'mount', 'ipc', 'uts', 'cgroup']);
});

test.runIf(able && needs('timens'))('all eight namespaces can be its own', async () => {
  const found = await namespacesInside({ namespaces: { user: 'new', time: 'new' } });
  expect(differing(found, namespacesOf('self'))).toEqual(kinds);
});

test.runIf(able)('every namespace but the mounts can be the one of the host', async () => {
  const hosts = { pid: 'host', network: 'host', ipc: 'host', uts: 'host', user: 'host', cgroup: 'host' } as const;
  const found = await namespacesInside({ namespaces: { ...hosts, time: 'host' } });
  expect(differing(found, namespacesOf('self'))).toEqual(['mount']);
});

for (const kind of kinds) {
  test.runIf(able && (kind !== 'time' || needs('timens')))(
    `a container joins the ${kind} namespace of another`,
    async () => {
      await using other = await create({ image: 'busybox', args: ['sleep', '60'], namespaces: { [kind]: 'new' } });
      await other.start();
      const theirs = namespacesOf(other.pid);
      // Of somebody else's mounts /proc is one, and it shows the processes of its own pid namespace only.
      const joined = kind === 'mount' ? (['mount', 'pid'] as const) : [kind];
      const found = await namespacesInside({ namespaces: pathsOf(other.pid, joined) });
      expect(found[kind]).toBe(theirs[kind]);
      expect(differing(found, theirs)).not.toContain(kind);
      expect(found[kind]).not.toBe(namespacesOf('self')[kind]);
    },
  );
}

test.runIf(able && needs('timens'))('a container joins all namespaces of another at once', async () => {
  const all = { image: 'busybox', uidMappings: everyId, timeOffsets: { monotonic: 1000 } };
  await using other = await create({ ...all, args: ['sleep', '60'] });
  await other.start();
  const found = await namespacesInside({ namespaces: pathsOf(other.pid, kinds) });
  expect(differing(found, namespacesOf(other.pid))).toEqual([]);
});

test.runIf(able)('the payload is pid 1 and sees its own processes only', async () => {
  const [pid, processes] = (await inside('echo $$; ps -o pid,args; true')).split(/\n(.*)/s);
  expect(pid).toBe('1');
  expect(processes?.split('\n').map((line) => line.trim().split(/\s+/)[0])).toEqual(['PID', '1', '2']);
  // The contrast: on the host this very process can be seen.
  expect(await inside(`test -d /proc/${process.pid} && echo seen`, { namespaces: { pid: 'host' } })).toBe('seen');
});

test.runIf(able)('a container of the same pid namespace sees the processes of the other', async () => {
  await using other = await create({ image: 'busybox', args: ['sleep', '61'] });
  await other.start();
  const namespaces = pathsOf(other.pid, ['pid']);
  expect(await inside('ps -o args', { namespaces })).toContain('sleep 61');
  // Another process takes the first one's place there, and both are heard of.
  await using box = await create({ image: 'busybox', args: ['sh', '-c', 'exit 7'], namespaces });
  expect(readlinkSync(`/proc/${box.pid}/ns/pid`)).toBe(namespacesOf(other.pid).pid);
  await box.start();
  expect(await box.exited).toMatchObject({ exitCode: 7 });
  let pid: number;
  {
    await using disposed = await create({ image: 'busybox', args: ['sleep', '60'], namespaces });
    await disposed.start();
    ({ pid } = disposed);
  }
  expect([existsSync(`/proc/${pid}`), existsSync(`/proc/${other.pid}`)]).toEqual([false, true]);
  const missing = run({ image: 'busybox', args: ['no-such-program'], namespaces });
  await expect(missing).rejects.toMatchObject({ errno: 'ENOENT', exitCode: 127 });
});

test.runIf(able)('its names are its own, and those of the host stay', async () => {
  const before = hostname();
  const names = 'hostname; cat /proc/sys/kernel/domainname; echo $HOSTNAME';
  const own = await inside(names, { hostname: 'inside', domainname: 'example.org' });
  expect(own.split('\n')).toEqual(['inside', 'example.org', 'inside']);
  expect(await inside('hostname', { name: 'named-box' })).toBe('named-box');
  expect(await inside('hostname', { namespaces: { uts: 'host' } })).toBe(before);
  expect(hostname()).toBe(before);
});

test.runIf(able)('the loopback interface is up and there is no other', async () => {
  const look = 'ls /sys/class/net; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo answers';
  const [interfaces, answers] = (await inside(look)).split('\n');
  expect([interfaces, answers]).toEqual(['lo', 'answers']);
  const hosts = spawnSync('ls', ['/sys/class/net'], { encoding: 'utf8' }).stdout.trim();
  expect(await inside('ls /sys/class/net', { namespaces: { network: 'host' } })).toBe(hosts);
});

test.runIf(able && needs('tool:ipcmk'))('message queues of the host are not its own', async () => {
  const made = spawnSync('ipcmk', ['--queue'], { encoding: 'utf8' }).stdout;
  const id = /\d+$/m.exec(made)?.[0] ?? '';
  try {
    const queues = 'sed 1d /proc/sysvipc/msg';
    expect(await inside(queues)).toBe('');
    expect(await inside(queues, { namespaces: { ipc: 'host' } })).toMatch(new RegExp(`\\b${id}\\b`));
  } finally {
    spawnSync('ipcrm', ['--queue-id', id]);
  }
});

test.runIf(able)('shared memory is its own, as large as it may be, or that of the host', async () => {
  const mark = `/dev/shm/tare-test-${process.pid}`;
  writeFileSync(mark, '');
  onTestFinished(() => rmSync(mark));
  const look = `test -e ${mark} && echo seen; stat -fc %b /dev/shm`;
  expect(await inside(look)).toBe(String(2 ** 26 / 4096));
  expect(await inside(look, { namespaces: { ipc: 'host' } })).toMatch(/^seen\n/);
  expect(await inside(look, { namespaces: { ipc: 'host', user: 'new' } })).toMatch(/^seen\n/);
});

test.runIf(able && needs('timens'))('its clocks are ahead by the offsets, those of the host are not', async () => {
  const day = 86_400;
  const found = await probeInside('self', { timeOffsets: { monotonic: day, boottime: 7 * day } });
  const host = probeOutside('self');
  const ahead = (clock: string): number => Math.round((Number(found[clock]) - Number(host[clock])) / day);
  expect([ahead('monotonic'), ahead('boottime')]).toEqual([1, 7]);
  const uptime = await inside('cut -d. -f1 /proc/uptime || cat /proc/uptime', { timeOffsets: { boottime: 7 * day } });
  expect(Math.round((Number(uptime) - Number(host.boottime)) / day)).toBe(7);
});

test.runIf(able && needs('timens'))('a container that joins a time namespace has its clocks', async () => {
  await using other = await create({ image: 'busybox', args: ['sleep', '60'], timeOffsets: { monotonic: 500_000 } });
  await other.start();
  const found = await probeInside('self', { namespaces: { time: { path: `/proc/${other.pid}/ns/time` } } });
  expect(Number(found.monotonic) - Number(probeOutside('self').monotonic)).toBeGreaterThan(499_000);
});

test.runIf(able && needs('cgroup2'))('its cgroup is the root of what it sees', async () => {
  const look = 'sed -n s/^0:://p /proc/self/cgroup';
  expect(await inside(look, { name: 'tare-test-cgroup' })).toBe('/');
  const seen = await inside(look, { name: 'tare-test-cgroup', namespaces: { cgroup: 'host' } });
  expect(seen).toMatch(/\/tare-test-cgroup$/);
});
