import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CreateOptions } from '../../../src/container/run.ts';
import { parseStatus, type ProcessStatus, readStatus } from '../../../src/linux/proc.ts';
import { capabilityNames } from '../../../src/spec/capability-names.ts';
import type { Process, Spec } from '../../../src/spec/spec.ts';
import {
  bind,
  bundle,
  inside,
  probeInside,
  program,
  probeOutside,
  smallRoot,
  temporaryDirectory,
} from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');

const statusInside = async (options: Partial<CreateOptions> = {}): Promise<ProcessStatus> =>
  parseStatus(await inside('exec cat /proc/self/status', options));

const mask = (...names: string[]): bigint =>
  names.reduce(
    (bits, name) => bits | (1n << BigInt((capabilityNames as readonly string[]).indexOf(`CAP_${name}`))),
    0n,
  );

const docker = mask(
  ...[
    'CHOWN',
    'DAC_OVERRIDE',
    'FOWNER',
    'FSETID',
    'KILL',
    'SETGID',
    'SETUID',
    'SETPCAP',
    'NET_BIND_SERVICE',
    'NET_RAW',
  ],
  ...['SYS_CHROOT', 'MKNOD', 'AUDIT_WRITE', 'SETFCAP'],
);

/** A bundle whose process is changed. */
const withProcess = (change: Partial<Process>, more: Partial<Spec> = {}): string =>
  bundle((spec) => ({ ...spec, ...more, process: { ...spec.process, ...change } }));

test.runIf(able)("root has Docker's capabilities, none to inherit, and those of the host it has not", async () => {
  const { capabilities } = await statusInside();
  expect(capabilities).toEqual({
    inheritable: 0n,
    permitted: docker,
    effective: docker,
    bounding: docker,
    ambient: 0n,
  });
  expect(readStatus().capabilities.effective & ~docker).not.toBe(0n);
  const attempt = 'mount -t tmpfs none /mnt 2>&1; chown 5 /tmp && echo owned';
  expect(await inside(attempt)).toBe('mount: permission denied (are you root?)\nowned');
});

test.runIf(able)('capabilities are added and dropped by name', async () => {
  const changed = await statusInside({ capAdd: ['sys_admin', 'CAP_SYS_TIME'], capDrop: ['CHOWN', 'mknod'] });
  const expected = (docker | mask('SYS_ADMIN', 'SYS_TIME')) & ~mask('CHOWN', 'MKNOD');
  expect([changed.capabilities.effective, changed.capabilities.bounding]).toEqual([expected, expected]);
  expect((await statusInside({ capDrop: ['ALL'] })).capabilities.bounding).toBe(0n);
  expect((await statusInside({ capDrop: ['ALL'], capAdd: ['CHOWN'] })).capabilities.bounding).toBe(mask('CHOWN'));
  const all = (await statusInside({ privileged: true })).capabilities;
  expect(all.effective).toBe(readStatus().capabilities.bounding);
});

test.runIf(able)('another user has no capabilities, nor may it gain more than the bounding set', async () => {
  const { capabilities, uid, gid } = await statusInside({ user: '1000:1000' });
  expect(capabilities).toEqual({ inheritable: 0n, permitted: 0n, effective: 0n, bounding: docker, ambient: 0n });
  expect([uid, gid]).toEqual(Array(2).fill({ real: 1000, effective: 1000, saved: 1000, filesystem: 1000 }));
});

test.runIf(able)('the five sets of a bundle arrive as they are, ambient ones for a user too', async () => {
  const names = (...list: string[]) => list.map((name) => `CAP_${name}`);
  const image = withProcess({
    user: { uid: 1000, gid: 1000 },
    capabilities: {
      bounding: names('CHOWN', 'KILL', 'SETUID', 'AUDIT_WRITE'),
      permitted: names('CHOWN', 'KILL'),
      effective: names('CHOWN'),
      inheritable: names('CHOWN', 'SETUID'),
      ambient: names('CHOWN'),
    },
  });
  // What execve(2) makes of them: permitted and effective become the ambient set.
  const { capabilities } = await statusInside({ image });
  expect(capabilities).toEqual({
    bounding: mask('CHOWN', 'KILL', 'SETUID', 'AUDIT_WRITE'),
    inheritable: mask('CHOWN', 'SETUID'),
    ambient: mask('CHOWN'),
    permitted: mask('CHOWN'),
    effective: mask('CHOWN'),
  });
  const own = 'touch /tmp/file; chown 5:6 /tmp/file && stat -c %u:%g /tmp/file; kill -0 1';
  expect(await inside(own, { image })).toBe('5:6');
});

test.runIf(able)('a set-uid program gains nothing where new privileges are forbidden', async () => {
  const place = temporaryDirectory();
  copyFileSync(program('probe'), join(place, 'probe'));
  chmodSync(join(place, 'probe'), 0o4755);
  const mounts = [bind(place, '/setuid')];
  const look = '/setuid/probe self | grep -o "user[^,]*"; grep NoNewPrivs /proc/self/status';
  expect(await inside(look, { user: '1000', mounts, noNewPrivileges: true })).toBe('user": 1000\nNoNewPrivs:\t1');
  expect(await inside(look, { user: '1000', mounts })).toBe('user": 0\nNoNewPrivs:\t0');
});

test.runIf(able)('ids, groups and the umask are those asked for, and the groups of the host are left', async () => {
  const look = 'id -u; id -g; id -G; umask; touch /tmp/file; mkdir /tmp/dir; stat -c %a /tmp/file /tmp/dir';
  const asked: Partial<CreateOptions> = { user: '1234:5678', groupAdd: ['9', '10'], umask: 0o027 };
  expect((await inside(look, asked)).split('\n')).toEqual(['1234', '5678', '5678 9 10', '0027', '640', '750']);
  expect((await inside(look)).split('\n')).toEqual(['0', '0', '0', '0022', '644', '755']);
  const image = withProcess({ user: { uid: 1, gid: 2, additionalGids: [3, 4], umask: 0o077 } });
  const ofBundle = 'id -u; id -g; id -G; umask';
  expect((await inside(ofBundle, { image })).split('\n')).toEqual(['1', '2', '2 3 4', '0077']);
});

test.runIf(able)("names are looked up in the image's own passwd and group", async () => {
  const image = smallRoot(temporaryDirectory());
  writeFileSync(join(image, 'etc/users'), 'root:x:0:0::/root:/bin/sh\nalice:x:1234:42::/home/alice:/bin/sh\n');
  symlinkSync('/etc/users', join(image, 'etc/passwd'));
  writeFileSync(join(image, 'etc/group'), 'root:x:0:\nwheel:x:10:bob,alice\nusers:x:42:\naudio:x:29:\n');
  const as = async (user: string, more: Partial<CreateOptions> = {}) =>
    inside('id -u; id -G; echo $HOME', { image: `dir:${image}`, user, ...more });
  expect(await as('alice')).toBe('1234\n42 10\n/home/alice');
  expect(await as('alice:audio')).toBe('1234\n29\n/home/alice');
  expect(await as('1234')).toBe('1234\n42 10\n/home/alice');
  expect(await as('77')).toBe('77\n0\n/');
  expect(await as(':wheel', { groupAdd: ['audio'] })).toBe('0\n10 29\n/root');
  await expect(as('daemon')).rejects.toThrow(/"daemon".*passwd/);
  await expect(as('alice', { groupAdd: ['adm'] })).rejects.toThrow(/"adm".*group/);
});

test.runIf(able)("a passwd that leads out of the image is the image's own all the same", async () => {
  const image = smallRoot(temporaryDirectory());
  symlinkSync('../../../../../../etc/hosts', join(image, 'etc/passwd'));
  await expect(inside('true', { image: `dir:${image}`, user: 'daemon' })).rejects.toThrow(/"daemon"/);
  expect(readFileSync('/etc/passwd', 'utf8')).toContain('daemon');
});

test.runIf(able)('limits of resources are those asked for, others stay', async () => {
  const ulimits = [
    { name: 'nofile', soft: 100, hard: 200 },
    { name: 'core', soft: 0, hard: 'unlimited' as const },
    { name: 'stack', soft: 1 << 20, hard: 'unlimited' as const },
  ];
  const limits = await inside('cat /proc/self/limits', { ulimits });
  expect(limits).toMatch(/^Max open files +100 +200 /m);
  expect(limits).toMatch(/^Max core file size +0 +unlimited /m);
  expect(limits).toMatch(/^Max stack size +1048576 +unlimited /m);
  const own = /^Max processes.*$/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[0];
  expect(limits).toContain(own);
  expect(await inside('for n in 4 5 6 7 8 9; do eval "exec $n</dev/null"; done 2>&1; echo survived', { ulimits })).toBe(
    'survived',
  );
});

/** No higher than a host allows that keeps CAP_SYS_RESOURCE to itself, high enough for a shell. */
const rlimits: readonly [name: string, soft: number, hard: number, text: string][] = [
  ['AS', 2e9, 3e9, 'Max address space'],
  ['CORE', 101, 201, 'Max core file size'],
  ['CPU', 102, 202, 'Max cpu time'],
  ['DATA', 1e9, 2e9, 'Max data size'],
  ['FSIZE', 104, 204, 'Max file size'],
  ['LOCKS', 105, 205, 'Max file locks'],
  ['MEMLOCK', 106, 206, 'Max locked memory'],
  ['MSGQUEUE', 107, 207, 'Max msgqueue size'],
  ['NICE', 0, 0, 'Max nice priority'],
  ['NOFILE', 109, 209, 'Max open files'],
  ['NPROC', 110, 210, 'Max processes'],
  ['RSS', 111, 211, 'Max resident set'],
  ['RTPRIO', 0, 0, 'Max realtime priority'],
  ['RTTIME', 113, 213, 'Max realtime timeout'],
  ['SIGPENDING', 114, 214, 'Max pending signals'],
  ['STACK', 1e6, 2e6, 'Max stack size'],
];

test.runIf(able)('each of the sixteen limits can be set', async () => {
  const image = withProcess({ rlimits: rlimits.map(([name, soft, hard]) => ({ type: `RLIMIT_${name}`, soft, hard })) });
  const found = await inside('exec cat /proc/self/limits', { image });
  for (const [, soft, hard, text] of rlimits) expect(found).toMatch(new RegExp(`^${text} +${soft} +${hard} `, 'm'));
});

test.runIf(able)('the OOM killer weighs it as asked', async () => {
  expect(await inside('cat /proc/self/oom_score_adj', { oomScoreAdj: 567 })).toBe('567');
  expect(await inside('cat /proc/self/oom_score_adj')).toBe(readFileSync('/proc/self/oom_score_adj', 'utf8').trim());
});

const sysctls = {
  'net.ipv4.ip_forward': '1',
  'net/core/somaxconn': '77',
  'kernel.msgmax': '4321',
  'kernel.shm_rmid_forced': '1',
  'kernel.sem': '250 32000 32 11',
  'fs.mqueue.msg_max': '7',
};

test.runIf(able)('the settings of its namespaces can be changed, and the host keeps its own', async () => {
  const files = Object.keys(sysctls).map((name) => `/proc/sys/${name.replaceAll('.', '/')}`);
  const before = files.map((file) => readFileSync(file, 'utf8'));
  const values = (await inside(`cat ${files.join(' ')}`, { sysctl: sysctls })).replaceAll('\t', ' ').split('\n');
  expect(values).toEqual(Object.values(sysctls));
  expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
  // Docker's two defaults: anybody may ping, and listen on any port.
  const defaults = 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range';
  expect((await inside(defaults)).split(/\s/)).toEqual(['0', '0', '2147483647']);
  const plain = await probeInside('network', { user: '1000', capDrop: ['ALL'] });
  expect(plain).toEqual({ ping: 'ok', raw: 'EPERM', low: 'ok' });
});

test.runIf(able)('settings of the whole machine are refused', async () => {
  for (const name of ['kernel.panic', 'vm.swappiness', 'fs.file-max', 'kernel.core_pattern', 'net.../../kernel.panic'])
    await expect(inside('true', { sysctl: { [name]: '1' } })).rejects.toThrow(`/sysctl/${name.replaceAll('/', '~1')}`);
  const shared = { sysctl: { 'net.core.somaxconn': '77' }, namespaces: { network: 'host' as const } };
  await expect(inside('true', shared)).rejects.toThrow(/network namespace of the host/);
});

test.runIf(able)('the scheduler, the I/O priority and the personality are those of the bundle', async () => {
  const look = async (change: Partial<Process>, linux: Spec['linux'] = {}) =>
    probeIn(
      bundle((spec) => ({ ...spec, process: { ...spec.process, ...change }, linux: { ...spec.linux, ...linux } })),
    );
  const batch = await look({
    scheduler: { policy: 'SCHED_BATCH', nice: 7 },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 },
  });
  expect(batch).toMatchObject({ policy: 3, nice: 7, priority: 0, io: [2, 6] });
  const idle = await look({
    scheduler: { policy: 'SCHED_IDLE' },
    ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 },
  });
  expect(idle).toMatchObject({ policy: 5, io: [3, 0] });
  const realtime = await look({
    scheduler: { policy: 'SCHED_FIFO', priority: 3, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
    ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 1 },
  });
  expect(realtime).toMatchObject({ policy: 1 | 0x40000000, priority: 3, io: [1, 1] });
  const eager = await look({ scheduler: { policy: 'SCHED_OTHER', nice: -5 } }, { personality: { domain: 'LINUX32' } });
  expect(eager).toMatchObject({ policy: 0, nice: -5, personality: 8 });
  expect(probeOutside('self')).toMatchObject({ personality: 0 });
});

/** In a bundle mounts stand in its spec, so the probe is copied into its root. */
async function probeIn(image: string): Promise<unknown> {
  copyFileSync(program('probe'), join(image.slice('oci:'.length), 'rootfs/probe'));
  return JSON.parse(await inside('exec /probe self', { image }));
}

test.runIf(able)('its session keyring is its own, and it cannot look at keys through the default filter', async () => {
  const own = await probeInside('keys', { seccomp: 'unconfined' });
  expect(own.description).toMatch(/^keyring;0;0;.*;_ses$/);
  expect(own.session).not.toBe(probeOutside('keys').session);
});

test.runIf(able)('it ends with its parent, whichever user it is', async () => {
  expect(await probeInside('self')).toMatchObject({ deathSignal: 9 });
  expect(await probeInside('self', { user: '1000' })).toMatchObject({ deathSignal: 9 });
});

test.runIf(able)('no signal is blocked, ignored or caught, whatever this process does', async () => {
  const signals = (text: string): string[] => text.match(/^Sig(Blk|Ign|Cgt):\s*\w+$/gm) ?? [];
  const found = signals(await inside('exec cat /proc/self/status'));
  expect(found.map((line) => line.split(/\s+/)[1])).toEqual(Array(3).fill('0'.repeat(16)));
  // The contrast: Node ignores SIGPIPE.
  expect(signals(readFileSync('/proc/self/status', 'utf8'))[1]).not.toMatch(/\s0+$/);
});

test.runIf(able && spawnSync('test', ['-e', '/sys/kernel/security/apparmor']).status !== 0)(
  'a label that the kernel cannot give is an error',
  async () => {
    await expect(inside('true', { apparmor: 'docker-default' })).rejects.toThrow(/AppArmor/);
    await expect(inside('true', { selinux: 'system_u:system_r:container_t:s0' })).rejects.toThrow(/SELinux|label/);
  },
);
