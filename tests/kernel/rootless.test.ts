/** An ordinary user, made for these tests, runs containers: what root gets from the host, a user namespace lends it. */
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { grantedRanges } from '../../src/linux/host.ts';
import { parseMountinfo, parseStatus } from '../../src/linux/proc.ts';
import type { RunRequest } from '../../src/spec/request.ts';
import { bind, bundle, smallRoot, temporaryDirectory, tmpfsHasAttributes } from './container.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'rootless', 'tool:useradd');
const ranged = able && needs('subids');

const root = join(import.meta.dirname, '../..');
const runtime = (uid: number): string => `/tmp/tare-${uid}`;

interface User {
  readonly name: string;
  uid: number;
  gid: number;
  /** Its first subordinate ids; none for 0. */
  subordinate: number;
}

/** One with subordinate ids, as useradd(8) gives them, and one without. */
const rich: User = { name: `tare-rich-${process.pid}`, uid: 0, gid: 0, subordinate: 0 };
const poor: User = { name: `tare-poor-${process.pid}`, uid: 0, gid: 0, subordinate: 0 };

const id = (option: string, name: string): number =>
  Number(spawnSync('id', [option, name], { encoding: 'utf8' }).stdout);

beforeAll(() => {
  if (!able) return;
  spawnSync('useradd', ['--no-create-home', rich.name]);
  spawnSync('useradd', ['--no-create-home', '--system', poor.name]);
  for (const user of [rich, poor]) {
    Object.assign(user, { uid: id('-u', user.name), gid: id('-g', user.name) });
    user.subordinate = ranged ? (grantedRanges(readFileSync('/etc/subuid', 'utf8'), [user.name])[0]?.start ?? 0) : 0;
  }
});

afterAll(() => {
  if (!able) return;
  for (const { name, uid } of [rich, poor]) {
    spawnSync('userdel', [name]);
    if (uid > 0) rmSync(runtime(uid), { recursive: true, force: true });
  }
});

/** A directory of the user's own. */
function home(user: User): string {
  const place = temporaryDirectory();
  chownSync(place, user.uid, user.gid);
  return place;
}

/** A small image of the user's own. */
function ownRoot(user: User): string {
  const place = smallRoot(temporaryDirectory());
  writeFileSync(join(place, 'etc/mark'), '');
  spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, place]);
  return place;
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

function asUser(
  { uid, gid }: User,
  argv: readonly string[],
  more: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Ended {
  const place = home({ uid, gid, name: '', subordinate: 0 });
  const env = { PATH: process.env.PATH, HOME: place, ...more.env };
  const [file = '', ...args] = argv;
  return spawnSync(file, args, { uid, gid, cwd: place, encoding: 'utf8', input: more.input, env });
}

const tare = (user: User, ...args: string[]): Ended => asUser(user, [join(root, 'bin/tare'), 'run', ...args]);

/** The library, called by the user: the script finds it as `tare`, and the request as `request`. */
function scripted(user: User, script: string, request: unknown): Ended {
  const program = `import * as tare from ${JSON.stringify(join(root, 'dist/index.js'))}; const request = ${JSON.stringify(request)}; ${script}`;
  return asUser(user, [process.execPath, '--input-type=module', '--eval', program]);
}

/** What a shell script says inside; whatever else happens fails the test. */
function inside(user: User, script: string, request: Partial<RunRequest> = {}): string {
  const whole = { image: 'busybox', args: ['sh', '-c', script], ...request };
  const { stdout, stderr, status } = scripted(user, 'process.exitCode = (await tare.run(request)).exitCode', whole);
  expect([stderr, status]).toEqual(['', 0]);
  return stdout.trimEnd();
}

/** The error of a container that does not come to be. */
function refusal(user: User, request: Partial<RunRequest>): string {
  const script = 'await tare.run(request).then(() => {}, (error) => console.log(error.message))';
  return scripted(user, script, { image: 'busybox', args: ['true'], ...request }).stdout.trim();
}

const users = [
  ['with subordinate ids', rich, ranged],
  ['with one id', poor, able],
] as const;

for (const [who, user, can] of users) {
  test.runIf(can)(`a user ${who} runs containers from the command line, exit codes and all`, () => {
    expect(tare(user, 'busybox', 'echo', 'hello')).toMatchObject({ stdout: 'hello\n', stderr: '', status: 0 });
    expect(tare(user, 'busybox', 'sh', '-c', 'exit 7').status).toBe(7);
    expect(tare(user, 'busybox', 'no-such-program').status).toBe(127);
    expect(tare(user, '--init', 'busybox', 'sh', '-c', 'kill -9 $$').status).toBe(137);
  });

  test.runIf(can)(`a user ${who} writes to an image that root has built`, () => {
    const write = 'echo new > /etc/new; rm /etc/hosts; touch /tmp/file; mkdir /srv';
    const look = 'stat -c %U /etc /etc/new /tmp; stat -c %a /tmp; ls /etc/hosts 2>/dev/null || echo removed';
    expect(inside(user, `${write}; ${look}`).split('\n')).toEqual(['root', 'root', 'root', '1777', 'removed']);
  });

  test.runIf(can)(`root inside is the user ${who} outside`, () => {
    const place = home(user);
    const look = 'id -u; id -g; whoami; touch /volume/new; stat -c %u:%g /volume/new';
    const mounts = [bind(place, '/volume')];
    expect(inside(user, look, { mounts }).split('\n')).toEqual(['0', '0', 'root', '0:0']);
    const { uid, gid } = statSync(join(place, 'new'));
    expect([uid, gid]).toEqual([user.uid, user.gid]);
  });

  test.runIf(can)(`for a user ${who} seven namespaces are its own, and capabilities are those inside`, () => {
    const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];
    const look = `cd /proc/self/ns; for n in ${kinds.join(' ')}; do readlink $n; done; cat /proc/self/status`;
    const [links, status] = [inside(user, look).split('\n').slice(0, kinds.length), parseStatus(inside(user, look))];
    const host = spawnSync('sh', ['-c', `cd /proc/self/ns; for n in ${kinds.join(' ')}; do readlink $n; done`], {
      encoding: 'utf8',
    });
    host.stdout
      .trim()
      .split('\n')
      .forEach((link, index) => expect(links[index]).not.toBe(link));
    expect(status.capabilities.effective).toBe(0xa80425fbn);
    expect([status.seccomp, status.pid > 0]).toEqual(['filter', true]);
  });

  test.runIf(can)(`the root of a user ${who} is an overlay that is written to, thrown away and kept`, () => {
    const place = home(user);
    const image = `dir:${ownRoot(user)}`;
    const replace = tmpfsHasAttributes ? 'rm -r /etc; mkdir /etc; ls /etc' : 'rm /etc/mark; ls /etc';
    expect(inside(user, `touch /new; rm /bin/mv; ${replace}; cat /new`, { image })).toBe('');
    expect(inside(user, 'ls -d /etc/mark /new /bin/mv 2>/dev/null; true', { image })).toBe('/bin/mv\n/etc/mark');
    expect(inside(user, 'echo kept > /kept; rm -r /etc; mkdir /etc', { image, upper: place })).toBe('');
    expect(inside(user, 'cat /kept; ls /etc', { image, upper: place })).toBe('kept');
    expect(statSync(join(place, 'upper/kept')).uid).toBe(user.uid);
    const sealed = inside(user, 'touch /file 2>&1; touch /tmp/file && echo tmp', {
      readOnly: true,
      mounts: [tmpfs('/tmp')],
    });
    expect(sealed).toBe('touch: /file: Read-only file system\ntmp');
  });

  test.runIf(can)(`a user ${who} has every mount and device that root has`, () => {
    const found = parseMountinfo(inside(user, 'cat /proc/self/mountinfo'));
    const own = ['/', '/proc', '/dev', '/dev/pts', '/sys', '/dev/mqueue', '/dev/shm'];
    for (const place of own) expect(found.map(({ mountPoint }) => mountPoint)).toContain(place);
    const use =
      'head -c 3 /dev/zero | wc -c; echo > /dev/null; head -c 1 /dev/urandom | wc -c; cat /proc/keys; ls /sys/firmware';
    expect(inside(user, `${use}; mknod /tmp/null c 1 3 2>&1; true`)).toBe(
      '3\n1\nmknod: /tmp/null: Operation not permitted',
    );
    const copied = { readOnly: true, mounts: [{ ...tmpfs('/etc'), options: ['tmpcopyup'] }] };
    expect(inside(user, 'touch /etc/new; ls /etc/passwd /etc/new', copied)).toBe('/etc/new\n/etc/passwd');
  });

  test.runIf(can)(`a user ${who} names the host, moves the clocks and changes what is its own`, () => {
    const request: Partial<RunRequest> = {
      hostname: 'inside',
      timeOffsets: { boottime: 1e9 },
      sysctl: { 'net.ipv4.ip_default_ttl': '77', 'kernel.msgmax': '4321' },
      ulimits: [{ name: 'nofile', soft: 50, hard: 60 }],
    };
    const look =
      'hostname; cut -c1 /proc/uptime; cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax; ulimit -n';
    expect(inside(user, look, request).split('\n')).toEqual(['inside', '1', '77', '4321', '50']);
  });

  test.runIf(can)(`a user ${who} has a network of its own, or the host's`, () => {
    const look = 'ls /sys/class/net; hostname; ping -c 1 -W 1 127.0.0.1 > /dev/null && echo answers';
    expect(inside(user, look, { hostname: 'inside' })).toBe('lo\ninside\nanswers');
    const hosts = readdirSync('/sys/class/net').sort().join('\n');
    const shared = inside(user, 'ls /sys/class/net; hostname', { namespaces: { network: 'host' } });
    expect(shared).toBe(`${hosts}\n${hostname()}`);
  });

  test.runIf(can)(`a user ${who} shares what it likes with the host`, () => {
    const namespaces = { pid: 'host', ipc: 'host', uts: 'host', cgroup: 'host' } as const;
    expect(inside(user, `test -d /proc/${process.pid} && echo seen; hostname`, { namespaces })).toBe(
      `seen\n${hostname()}`,
    );
  });

  test.runIf(can)(`a user ${who} can have a terminal`, () => {
    const script = `
      const box = await tare.create({ ...request, terminal: true });
      let seen = '';
      const closed = new Promise((resolve) => box.terminal.on('close', resolve));
      box.terminal.on('data', (chunk) => (seen += chunk)).on('error', () => {});
      await box.start();
      await box.exited;
      await closed;
      console.log(seen.replaceAll('\\r', ''));`;
    const request = { image: 'busybox', args: ['sh', '-c', 'tty; stat -c %u /dev/pts/0; stat -c %t:%T /dev/console'] };
    expect(scripted(user, script, request)).toMatchObject({ stdout: '/dev/pts/0\n0\n88:0\n\n', stderr: '' });
  });

  test.runIf(can)(`a container of a user ${who} joins the namespaces of another`, () => {
    const script = `
      const { readlinkSync } = await import('node:fs');
      await using other = await tare.create(request);
      await other.start();
      const files = { user: 'user', pid: 'pid', mount: 'mnt', network: 'net', ipc: 'ipc', uts: 'uts', cgroup: 'cgroup' };
      const paths = Object.entries(files).map(([kind, file]) => [kind, { path: '/proc/' + other.pid + '/ns/' + file }]);
      const look = ['sh', '-c', 'hostname; id -u; cat /mark; cd /proc/self/ns; for n in ' + Object.values(files).join(' ') + '; do readlink $n; done'];
      const joined = { image: 'busybox', args: look, namespaces: Object.fromEntries(paths), stdio: 'pipe' };
      const { stdout, stderr } = await tare.run(joined);
      const expected = Object.values(files).map((file) => readlinkSync('/proc/' + other.pid + '/ns/' + file));
      console.log(stdout.trim().split('\\n').slice(0, 3).join(), stderr === '');
      console.log(expected.filter((link) => !stdout.includes(link)).length);`
      .replaceAll('await using other = await', 'const other = await')
      .concat('await other[Symbol.asyncDispose]();');
    const args = ['sh', '-c', 'echo mark > /mark; exec sleep 60'];
    const { stdout, stderr } = scripted(user, script, { image: 'busybox', args, hostname: 'other' });
    expect([stdout, stderr]).toEqual(['other,0,mark true\n0\n', '']);
  });

  test.runIf(can)(`a user ${who} runs the host's own programs, and a directory and a bundle of its own`, () => {
    const host = { image: 'host', readOnly: true, mounts: [tmpfs('/tmp')] };
    expect(inside(user, 'perl -e "print 6 * 7"; ls /etc/os-release; touch /tmp/new', host)).toBe('42/etc/os-release');
    const attempt = inside(user, 'touch /new /etc/new /tmp/new 2>&1; true', host).split('\n');
    expect(attempt.map((line) => line.split(': ').at(-1))).toEqual(Array(2).fill('Read-only file system'));
    const upper = home(user);
    expect(inside(user, 'echo kept > /new; echo kept > /tmp/new', { image: 'host', upper })).toBe('');
    expect(inside(user, 'cat /tmp/new; stat -c %a /tmp', { image: 'host', upper })).toBe('kept\n1777');
    const image = ownRoot(user);
    expect(inside(user, 'echo changed > /bin/new; cat /bin/new', { image: `dir:${image}` })).toBe('changed');
    expect(existsSync(join(image, 'bin/new'))).toBe(false);
    const own = {
      uidMappings: [{ containerID: 0, hostID: user.uid, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: user.gid, size: 1 }],
    };
    const place = temporaryDirectory();
    const whole = bundle((spec) => {
      const namespaces = [...(spec.linux?.namespaces ?? []), { type: 'user' as const }];
      return { ...spec, linux: { ...spec.linux, namespaces, ...own } };
    }, place);
    spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, place]);
    expect(inside(user, 'id -u; echo written > /new', { image: whole })).toBe('0');
    expect(statSync(join(place, 'rootfs/new')).uid).toBe(user.uid);
  });

  test.runIf(can)(`what a user ${who} may not have is refused, with what would help`, () => {
    expect(refusal(user, { limits: { memory: '64m' } })).toMatch(/memory.*hint|hint.*memory/s);
    expect(refusal(user, { namespaces: { user: 'host' } })).toMatch(/\/namespaces\/user/);
    const mapped = refusal(user, { mounts: [bind('/etc', '/mapped', 'idmap')] });
    expect(mapped).toMatch(/EPERM.*CAP_SYS_ADMIN/);
    expect(refusal(user, { oomScoreAdj: -500 })).toMatch(/OOM score.*EACCES.*CAP_SYS_RESOURCE/);
    const others = [{ containerID: 0, hostID: 0, size: 1 }];
    expect(refusal(user, { uidMappings: others, gidMappings: others })).toMatch(/map.*hint/);
  });
}

const tmpfs = (target: string) => ({ type: 'tmpfs' as const, target, options: [] as string[] });

test.runIf(ranged)('subordinate ids follow the own one, for users and groups', () => {
  const map = `0 ${rich.uid} 1 1 ${rich.subordinate} 65536`;
  const look = "for m in uid gid; do cat /proc/self/${m}_map | tr -s ' \\n' ' '; echo; done; cat /proc/self/setgroups";
  const [uids, gids, setgroups] = inside(rich, look).split('\n');
  expect([uids?.trim(), setgroups]).toEqual([map, 'allow']);
  expect(gids?.trim()).toMatch(new RegExp(`^0 ${rich.gid} 1 1 \\d+ 65536$`));
  expect(inside(rich, 'id -u; id -G', { user: '1000:1000', groupAdd: ['5', '6'] })).toBe('1000\n1000 5 6');
});

test.runIf(ranged)('a file that is given to somebody inside belongs to a subordinate id outside', () => {
  const place = home(rich);
  writeFileSync(join(place, 'file'), '');
  chownSync(join(place, 'file'), rich.uid, rich.gid);
  expect(inside(rich, 'chown 1000:0 /volume/file; stat -c %u /volume/file', { mounts: [bind(place, '/volume')] })).toBe(
    '1000',
  );
  expect(statSync(join(place, 'file')).uid).toBe(rich.subordinate + 999);
});

test.runIf(ranged)('maps can be chosen among the own ids', () => {
  const map = (own: number) => [
    { containerID: 0, hostID: rich.subordinate, size: 100 },
    { containerID: 100, hostID: own, size: 1 },
  ];
  const groups = grantedRanges(readFileSync('/etc/subgid', 'utf8'), [rich.name]);
  const gidMappings = [{ containerID: 0, hostID: groups[0]!.start, size: 100 }, map(rich.gid)[1]!];
  const place = home(rich);
  const request = { uidMappings: map(rich.uid), gidMappings, user: '100:100', mounts: [bind(place, '/volume')] };
  expect(inside(rich, 'id -u; touch /volume/new; stat -c %u:%g /volume/new', request)).toBe('100\n100:100');
  expect(statSync(join(place, 'new')).uid).toBe(rich.uid);
});

test.runIf(able)('with one id nobody else exists, and groups cannot be changed', () => {
  const look = "cat /proc/self/uid_map | tr -s ' '; cat /proc/self/setgroups; chown 1 /tmp 2>&1; true";
  expect(
    inside(poor, look)
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual([`0 ${poor.uid} 1`, 'deny', 'chown: /tmp: Invalid argument']);
  expect(refusal(poor, { user: '1000' })).toMatch(/uid 1000.*not mapped.*subordinate ids/s);
});

test.runIf(able)('what a user leaves on the host is an empty directory of its own', () => {
  inside(poor, 'sleep 60 & touch /new; exit 0');
  const scratch = join(runtime(poor.uid), 'scratch');
  expect([readdirSync(scratch), statSync(scratch).mode & 0o777]).toEqual([[], 0o700]);
  const processes = spawnSync('ps', ['-o', 'stat=', '-u', String(poor.uid)], { encoding: 'utf8' }).stdout;
  expect(processes.split('\n').filter((state) => state !== '' && !state.startsWith('Z'))).toEqual([]);
  const place = home(poor);
  const elsewhere = asUser(poor, [join(root, 'bin/tare'), 'run', 'busybox', 'true'], {
    env: { XDG_RUNTIME_DIR: place },
  });
  expect([elsewhere.status, readdirSync(place)]).toEqual([0, ['tare']]);
});

test.runIf(able)('a runtime directory that somebody else could write to is not used', () => {
  const place = home(poor);
  spawnSync('mkdir', ['-m', '777', join(place, 'tare')]);
  const refused = asUser(poor, [join(root, 'bin/tare'), 'run', 'busybox', 'true'], { env: { XDG_RUNTIME_DIR: place } });
  expect(refused.status).toBe(125);
  expect(refused.stderr).toMatch(/nobody else may write to it/);
});
