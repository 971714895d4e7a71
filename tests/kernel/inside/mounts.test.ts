import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { CreateOptions } from '../../../src/container/run.ts';
import { create } from '../../../src/index.ts';
import { parseMountinfo } from '../../../src/linux/proc.ts';
import type { Mount } from '../../../src/spec/spec.ts';
import { bind, bundle, inside, mountsInside, smallRoot, temporaryDirectory, tmpfsHasAttributes } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');

const tmpfs = (target: string, ...options: string[]) => ({ type: 'tmpfs' as const, target, options });

const shift = (containerID: number, hostID: number, size = 1000) => [{ containerID, hostID, size }];

/** A bundle with these mounts besides its own. */
const withMounts = (...mounts: Mount[]): string =>
  bundle((spec) => ({ ...spec, mounts: [...(spec.mounts ?? []), ...mounts] }));

test.runIf(able)('a directory, a file, a socket and a device of the host can be bound', async () => {
  const place = temporaryDirectory();
  writeFileSync(join(place, 'file'), 'from the host\n');
  spawnSync('mkfifo', [join(place, 'fifo')]);
  const mounts = [
    bind(place, '/new/directory'),
    bind(join(place, 'file'), '/etc/deep/er/file'),
    bind(join(place, 'file'), '/etc/passwd'),
    bind(join(place, 'fifo'), '/run/fifo'),
    bind('/dev/zero', '/zero'),
  ];
  const look =
    'cat /new/directory/file /etc/deep/er/file /etc/passwd; test -p /run/fifo; test -c /zero; echo back > /new/directory/reply';
  expect(await inside(look, { mounts })).toBe(Array(3).fill('from the host').join('\n'));
  expect(readFileSync(join(place, 'reply'), 'utf8')).toBe('back\n');
});

test.runIf(able)('a target that is a link of the image is reached below the root, however it is written', async () => {
  const [image, source] = [smallRoot(temporaryDirectory()), temporaryDirectory()];
  const outside = temporaryDirectory();
  writeFileSync(join(source, 'mark'), 'mounted\n');
  mkdirSync(join(image, 'real'));
  mkdirSync(join(image, outside), { recursive: true });
  symlinkSync('real', join(image, 'relative'));
  symlinkSync('/real', join(image, 'absolute'));
  symlinkSync(`../../../../../..${outside}`, join(image, 'upwards'));
  symlinkSync(outside, join(image, 'straight'));
  const under = async (target: string, place: string): Promise<string> =>
    inside(`cat ${place}/mark`, { image: `dir:${image}`, mounts: [bind(source, target)] });
  expect(await under('/relative', '/real')).toBe('mounted');
  expect(await under('/absolute/below', '/real/below')).toBe('mounted');
  expect(await under('/upwards', outside)).toBe('mounted');
  expect(await under('/straight/below', `${outside}/below`)).toBe('mounted');
  expect(readdirSync(outside)).toEqual([]);
});

test.runIf(able)('a link in the place of /proc or /sys is refused', async () => {
  for (const name of ['proc', 'sys']) {
    const image = smallRoot(temporaryDirectory());
    spawnSync('rmdir', [join(image, name)]);
    symlinkSync('tmp', join(image, name));
    const refused = inside('true', { image: `dir:${image}` });
    await expect(refused).rejects.toThrow(/ELOOP.*symbolic link/);
  }
});

test.runIf(able)('a tmpfs is as large and as open as it is asked to be', async () => {
  const mounts = [tmpfs('/small', 'size=64k', 'mode=1751'), tmpfs('/free')];
  const fill =
    'dd if=/dev/zero of=/small/file bs=1k count=100 2>&1 | head -n 1; stat -c %a /small /free; stat -c %s /small/file';
  expect((await inside(fill, { mounts })).split('\n')).toEqual([
    "dd: error writing '/small/file': No space left on device",
    '1751',
    '1777',
    '65536',
  ]);
});

test.runIf(able)('a tmpfs with tmpcopyup begins with what the image has there, and keeps its limits', async () => {
  const image = smallRoot(temporaryDirectory());
  writeFileSync(join(image, 'tmp/file'), 'from the image\n');
  mkdirSync(join(image, 'home'), { mode: 0o750 });
  chownSync(join(image, 'home'), 12, 34);
  const mounts = [tmpfs('/tmp', 'tmpcopyup', 'size=64k'), tmpfs('/home', 'tmpcopyup')];
  const request: Partial<CreateOptions> = { image: `dir:${image}`, readOnly: true, mounts };
  const look = 'cat /tmp/file; echo changed > /tmp/file; cat /tmp/file; stat -c "%a %u %g" /tmp /home';
  expect(await inside(look, request)).toBe('from the image\nchanged\n1777 0 0\n750 12 34');
  const fill = 'dd if=/dev/zero of=/tmp/large bs=1k count=100 2>/dev/null; stat -c %s /tmp/large';
  expect(Number(await inside(fill, request))).toBeLessThanOrEqual(65_536);
  expect(readFileSync(join(image, 'tmp/file'), 'utf8')).toBe('from the image\n');
});

test.runIf(able)(
  'tmpcopyup works in a bundle and a user namespace, again and again, and leaves nothing on the host',
  async () => {
    const scratch = (): string[] => readdirSync('/run/tare/scratch');
    const before = scratch();
    const mount: Mount = { destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'mode=711'] };
    const image = withMounts(mount);
    for (let n = 0; n < 2; n += 1)
      expect(await inside('touch /etc/file; ls /etc; stat -c %a /etc', { image })).toBe('file\n711');
    const request = { namespaces: { user: 'new' as const }, mounts: [tmpfs('/etc', 'tmpcopyup')] };
    const replace = tmpfsHasAttributes ? 'mkdir /etc/group; ls /etc/group' : 'touch /etc/group';
    expect(await inside(`rm -r /etc/*; ${replace}; ls /etc`, request)).toBe('group');
    expect(scratch()).toEqual(before);
  },
);

test.runIf(able)("the filesystems of the kernel can be mounted, and show what is the container's own", async () => {
  const image = bundle((spec) => ({
    ...spec,
    mounts: [
      ...(spec.mounts ?? []),
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['mode=1777', 'size=1m'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/mnt', type: 'ramfs', source: 'name of it' },
    ],
  }));
  const found = await mountsInside({ image });
  const kinds = ['/proc', '/dev', '/dev/pts', '/dev/mqueue', '/dev/shm', '/sys', '/mnt'].map(
    (place) => found.get(place)?.type,
  );
  expect(kinds).toEqual(['proc', 'tmpfs', 'devpts', 'mqueue', 'tmpfs', 'sysfs', 'ramfs']);
  expect(found.get('/mnt')?.source).toBe('name of it');
  expect(await inside('ls /dev/pts /sys/class/net; echo queue > /dev/mqueue/q 2>&1; ls /dev/mqueue', { image })).toBe(
    '/dev/pts:\nptmx\n\n/sys/class/net:\nlo\nq',
  );
});

test.runIf(able && needs('cgroup2'))(
  'the cgroups it sees begin at its own, read-only; privileged it may divide them',
  async () => {
    const look =
      'cat /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/inner 2>&1; rmdir /sys/fs/cgroup/inner 2>/dev/null; true';
    expect((await inside(look)).split('\n')).toEqual([
      '1',
      '2',
      "mkdir: can't create directory '/sys/fs/cgroup/inner': Read-only file system",
    ]);
    expect((await inside(look, { privileged: true })).split('\n')).toEqual(['1', '2']);
  },
);

test.runIf(able && needs('cgroup2'))(
  'who shares the cgroup namespace sees the tree of the host, and cannot change it',
  async () => {
    const look = "sed -n 's|^0::||p' /proc/self/cgroup; cat /proc/self/mountinfo";
    const shared = { namespaces: { cgroup: 'host' }, name: 'tare-test-shared' } as const;
    const [own = '', ...lines] = (await inside(look, shared)).split('\n');
    const mounts = parseMountinfo(lines.join('\n')).filter(({ type }) => type.startsWith('cgroup'));
    expect(mounts.map(({ type, options }) => [type, options[0]])).toEqual([['cgroup2', 'ro']]);
    expect(await inside(`ls -d /sys/fs/cgroup${own}`, shared)).toBe(`/sys/fs/cgroup${own}`);
    // A user namespace is shown the host's own mounts, whatever is among them.
    const lent = await inside('cat /proc/self/mountinfo', { namespaces: { cgroup: 'host', user: 'new' } });
    const found = parseMountinfo(lent).filter(({ mountPoint }) => mountPoint.startsWith('/sys/fs/cgroup'));
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter(({ options }) => options[0] !== 'ro')).toEqual([]);
    const image = bundle((spec) => {
      const namespaces = [...(spec.linux?.namespaces ?? []), { type: 'user' as const }];
      const ids = { uidMappings: shift(0, 100_000), gidMappings: shift(0, 100_000) };
      const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid'] };
      const sys = { destination: '/sys', type: 'sysfs', source: 'sysfs' };
      return { ...spec, mounts: [...(spec.mounts ?? []), sys, cgroup], linux: { ...spec.linux, namespaces, ...ids } };
    });
    const bundled = parseMountinfo(await inside('cat /proc/self/mountinfo', { image }));
    const bound = bundled.filter(({ mountPoint }) => mountPoint.startsWith('/sys/fs/cgroup'));
    expect(bound.length).toBeGreaterThan(0);
    expect(bound.filter(({ options }) => options[0] !== 'ro' || !options.includes('nosuid'))).toEqual([]);
  },
);

test.runIf(able)('what the host mounts later arrives where it is asked to, and nowhere else', async () => {
  const place = temporaryDirectory();
  spawnSync('mount', ['-t', 'tmpfs', 'tare-test', place]);
  onTestFinished(() => void spawnSync('umount', ['--recursive', place]));
  spawnSync('mount', ['--make-shared', place]);
  mkdirSync(join(place, 'later'));
  mkdirSync(join(place, 'inner'));
  const mounts = [bind(place, '/follows', 'rslave'), bind(place, '/stays'), bind(place, '/both', 'rshared')];
  const script = 'mount -t tmpfs inside /both/inner; read go; ls /follows/later /stays/later /both/later';
  await using box = await create({ image: 'busybox', args: ['sh', '-c', script], capAdd: ['SYS_ADMIN'], mounts });
  await box.start();
  const onHost = (): string => readFileSync('/proc/self/mounts', 'utf8');
  while (!onHost().includes(`inside ${place}/inner tmpfs`)) await new Promise(setImmediate);
  spawnSync('mount', ['-t', 'tmpfs', 'tare-test', join(place, 'later')]);
  writeFileSync(join(place, 'later/mark'), '');
  const output: string[] = [];
  box.stdout?.setEncoding('utf8').on('data', (text: string) => output.push(text));
  box.stdin?.end('go\n');
  await once(box.stdout!, 'end');
  expect(output.join('')).toBe('/both/later:\nmark\n\n/follows/later:\nmark\n\n/stays/later:\n');
});

test.runIf(able)('ids of a mount are shown as its own maps say, and written back so', async () => {
  const place = temporaryDirectory();
  writeFileSync(join(place, 'file'), '');
  chownSync(join(place, 'file'), 1000, 1001);
  chownSync(place, 1000, 1000);
  const maps = { uidMappings: shift(1000, 2000), gidMappings: shift(1000, 3000) };
  const mount = { destination: '/mapped', type: 'bind', source: place, options: ['bind'], ...maps };
  const image = withMounts({ ...mount }, { destination: '/plain', type: 'bind', source: place, options: ['bind'] });
  const look = 'stat -c "%u %g" /mapped/file /plain/file; chown 2005:3006 /mapped/file';
  expect(await inside(look, { image })).toBe('2000 3001\n1000 1001');
  const { uid, gid } = statSync(join(place, 'file'));
  expect([uid, gid]).toEqual([1005, 1006]);
});

test.runIf(able)('a mount with idmap has the ids of the container, ridmap what is mounted below it too', async () => {
  const [place, other] = [temporaryDirectory(), temporaryDirectory()];
  mkdirSync(join(place, 'below'));
  // Of the same kind: tmpfs takes maps since Linux 6.3 only.
  spawnSync('mount', ['--bind', other, join(place, 'below')]);
  onTestFinished(() => void spawnSync('umount', [join(place, 'below')]));
  for (const name of ['file', 'below/file']) {
    writeFileSync(join(place, name), '');
    chownSync(join(place, name), 7, 8);
  }
  const mounts = [
    bind(place, '/plain', 'rbind'),
    bind(place, '/one', 'rbind', 'idmap'),
    bind(place, '/all', 'rbind', 'ridmap'),
  ];
  const maps = { uidMappings: shift(0, 100_000, 65_536), gidMappings: shift(0, 100_000, 65_536) };
  const look = 'for m in plain one all; do stat -c "%u %g" /$m/file /$m/below/file; done; touch /one/new';
  const nobody = '65534 65534';
  expect((await inside(look, { ...maps, mounts })).split('\n')).toEqual([nobody, nobody, '7 8', nobody, '7 8', '7 8']);
  expect(statSync(join(place, 'new')).uid).toBe(0);
});

test.runIf(able)('masked paths are empty and read-only ones cannot be written to', async () => {
  const look = [
    'cat /proc/keys /proc/timer_list /proc/interrupts',
    'ls /sys/firmware /proc/acpi',
    'for f in /proc/sys/kernel/hostname /proc/sys/vm/drop_caches; do echo 1 > $f; done 2>&1',
  ].join('; ');
  const [firmware, blank, acpi, ...refused] = (await inside(`${look}; true`)).split('\n');
  expect([firmware, blank, acpi]).toEqual(['/proc/acpi:', '', '/sys/firmware:']);
  expect(refused.map((line) => line.split(': ').at(-1))).toEqual(Array(2).fill('Read-only file system'));
  // The contrast: unconfined they are what the kernel shows.
  const open = await inside('cat /proc/interrupts /proc/timer_list | grep -c .; ls /sys/firmware', {
    systemPaths: 'unconfined',
  });
  expect(Number(open.split('\n')[0])).toBeGreaterThan(2);
  expect(await inside('echo renamed > /proc/sys/kernel/hostname; hostname', { systemPaths: 'unconfined' })).toBe(
    'renamed',
  );
});

test.runIf(able)('files and directories of an image can be masked and made read-only', async () => {
  const place = temporaryDirectory();
  const image = bundle(
    (spec) => ({
      ...spec,
      linux: { ...spec.linux, maskedPaths: ['/secret', '/secrets', '/absent/one'], readonlyPaths: ['/etc', '/absent'] },
    }),
    place,
  );
  mkdirSync(join(place, 'rootfs/secrets'));
  writeFileSync(join(place, 'rootfs/secrets/key'), 'key\n');
  writeFileSync(join(place, 'rootfs/secret'), 'key\n');
  const look = 'cat /secret; ls /secrets; touch /secrets/new /etc/new 2>&1; true';
  expect((await inside(look, { image })).split('\n')).toEqual([
    'touch: /secrets/new: Read-only file system',
    'touch: /etc/new: Read-only file system',
  ]);
  expect(readFileSync(join(place, 'rootfs/secrets/key'), 'utf8')).toBe('key\n');
});

test.runIf(able)('a mount of the request takes the place of a default one', async () => {
  const place = temporaryDirectory();
  writeFileSync(join(place, 'mark'), '');
  const found = await mountsInside({ mounts: [bind(place, '/dev/shm'), tmpfs('/sys')] });
  expect(found.get('/dev/shm')?.type).not.toBe('tmpfs');
  expect(found.get('/sys')?.type).toBe('tmpfs');
  expect(found.has('/sys/fs/cgroup')).toBe(false);
});
