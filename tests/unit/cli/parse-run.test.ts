import { expect, test } from 'vitest';
import { parseExplain, parseRun, parseStep, parseTrace } from '../../../src/cli/parse-run.ts';
import { TareError } from '../../../src/errors.ts';
import type { RunRequest } from '../../../src/spec/request.ts';

const context = { cwd: '/here', env: { HOME: '/root', EMPTY: '' } };

/** The flags of a `tare run`, and what they make of a request for busybox. */
const requests: readonly (readonly [flags: readonly string[], request: Omit<RunRequest, 'image'>])[] = [
  [[], {}],
  [['-t'], { terminal: true }],
  [['--tty=false'], { terminal: false }],
  [['-e', 'A=1'], { env: ['A=1'] }],
  [['-e=A=1', '-eB=2', '--env=C=3', '--env', 'D=='], { env: ['A=1', 'B=2', 'C=3', 'D=='] }],
  [['-e', 'HOME', '-e', 'EMPTY', '-e', 'UNSET'], { env: ['HOME=/root', 'EMPTY='] }],
  [['-w', '/a/../b/'], { cwd: '/b' }],
  [['-u', '1000:tty'], { user: '1000:tty' }],
  [['--group-add', 'audio', '--group-add', '44'], { groupAdd: ['audio', '44'] }],
  [['--umask', '0027'], { umask: 0o27 }],
  [['--entrypoint', 'sh'], { entrypoint: ['sh'] }],
  [['--entrypoint', ''], { entrypoint: [] }],
  [['--entrypoint=["sh", "-c"]'], { entrypoint: ['sh', '-c'] }],
  [['--init'], { init: true }],
  [['--upper', 'kept'], { upper: '/here/kept' }],
  [['--read-only'], { readOnly: true }],
  [['--device', '/dev/fuse'], { devices: [{ source: '/dev/fuse', target: '/dev/fuse', permissions: 'rwm' }] }],
  [['--device', '/dev/sda:r'], { devices: [{ source: '/dev/sda', target: '/dev/sda', permissions: 'r' }] }],
  [['--device', '/dev/sda:/dev/d:mr'], { devices: [{ source: '/dev/sda', target: '/dev/d', permissions: 'mr' }] }],
  [['-m', '64m', '--memory-swap', '-1'], { limits: { memory: '64m', memorySwap: '-1' } }],
  [['-m64m', '--memory-reservation=32m'], { limits: { memory: '64m', memoryReservation: '32m' } }],
  [['--cpus', '.5', '--cpu-weight', '10'], { limits: { cpus: 0.5, cpuWeight: 10 } }],
  [['--cpuset-cpus', '0-2,7', '--cpuset-mems', '0'], { limits: { cpusetCpus: '0-2,7', cpusetMems: '0' } }],
  [['--pids-limit', '-1'], { limits: { pids: -1 } }],
  [['--io-weight', '10000'], { limits: { ioWeight: 10000 } }],
  [
    ['--cgroup-conf', 'memory.high=32M', '--cgroup-conf', 'io.max=8:0 rbps=1'],
    { limits: { unified: { 'memory.high': '32M', 'io.max': '8:0 rbps=1' } } },
  ],
  [['--ulimit', 'nofile=1024:4096'], { ulimits: [{ name: 'nofile', soft: 1024, hard: 4096 }] }],
  [['--ulimit', 'core=0'], { ulimits: [{ name: 'core', soft: 0, hard: 0 }] }],
  [['--ulimit', 'stack=1:-1'], { ulimits: [{ name: 'stack', soft: 1, hard: 'unlimited' }] }],
  [['--oom-score-adj', '-1000'], { oomScoreAdj: -1000 }],
  [['--cap-add', 'cap_net_admin', '--cap-drop=ALL'], { capAdd: ['NET_ADMIN'], capDrop: ['ALL'] }],
  [['--privileged'], { privileged: true }],
  [['--security-opt', 'no-new-privileges'], { noNewPrivileges: true }],
  [['--security-opt', 'no-new-privileges:false'], { noNewPrivileges: false }],
  [['--security-opt', 'seccomp=unconfined'], { seccomp: 'unconfined' }],
  [['--security-opt', 'seccomp=./p.json'], { seccomp: '/here/p.json' }],
  [['--security-opt', 'seccomp=builtin'], { seccomp: 'default' }],
  [['--security-opt', 'apparmor=mine'], { apparmor: 'mine' }],
  [['--security-opt', 'label=u:r:t:s0:c1,c2'], { selinux: 'u:r:t:s0:c1,c2' }],
  [['--security-opt', 'systempaths=unconfined'], { systemPaths: 'unconfined' }],
  [['--network', 'none'], { namespaces: { network: 'new' } }],
  [['--network', 'host', '--pid=host'], { namespaces: { network: 'host', pid: 'host' } }],
  [['--network', 'ns:/run/netns/a'], { namespaces: { network: { path: '/run/netns/a' } } }],
  [['--ipc', 'private', '--uts', 'host'], { namespaces: { ipc: 'new', uts: 'host' } }],
  [['--cgroupns', 'host', '--userns', 'host'], { namespaces: { cgroup: 'host', user: 'host' } }],
  [['--uidmap', '0:100000:65536'], { uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }] }],
  [['--gidmap', '0:0:4294967295'], { gidMappings: [{ containerID: 0, hostID: 0, size: 4294967295 }] }],
  [['--time-offset', 'monotonic=-5,boottime=1.5'], { timeOffsets: { monotonic: -5, boottime: 1.5 } }],
  [['-h', 'box', '--domainname', 'lab'], { hostname: 'box', domainname: 'lab' }],
  [['--sysctl', 'net.core.somaxconn=9'], { sysctl: { 'net.core.somaxconn': '9' } }],
  [['--name', 'a-1'], { name: 'a-1' }],
  [['--annotation', 'a=b=c', '--annotation', 'd='], { annotations: { a: 'b=c', d: '' } }],
];

test.each(requests)('%j asks for %j', (flags, request) => {
  expect(parseRun([...flags, 'busybox'], context).request).toEqual({ image: 'busybox', ...request });
});

const mounts: readonly (readonly [flags: readonly string[], mount: unknown])[] = [
  [['-v', './src:/src'], { type: 'bind', source: '/here/src', target: '/src', options: ['rbind'] }],
  [['-v', '.:/src:ro'], { type: 'bind', source: '/here', target: '/src', options: ['rbind', 'rro'] }],
  [['-v', '/a:/b/:bind,ro'], { type: 'bind', source: '/a', target: '/b', options: ['bind', 'ro'] }],
  [['-v', '/a:/b:rslave,nosuid'], { type: 'bind', source: '/a', target: '/b', options: ['rbind', 'rslave', 'nosuid'] }],
  [['--mount', 'type=bind,src=/a,dst=/b'], { type: 'bind', source: '/a', target: '/b', options: ['rbind'] }],
  [
    ['--mount', 'type=bind,source=../a,target=/b,readonly,bind-propagation=rshared'],
    { type: 'bind', source: '/a', target: '/b', options: ['rbind', 'rro', 'rshared'] },
  ],
  [
    ['--mount', 'type=bind,source=/a,target=/b,ro=true,bind-recursive=writable'],
    { type: 'bind', source: '/a', target: '/b', options: ['rbind', 'ro'] },
  ],
  [
    ['--mount', 'type=bind,"source=/a,""b""",target=/c'],
    { type: 'bind', source: '/a,"b"', target: '/c', options: ['rbind'] },
  ],
  [
    ['--mount', 'type=tmpfs,destination=/t,tmpfs-size=64m,tmpfs-mode=1777'],
    { type: 'tmpfs', target: '/t', options: ['size=64m', 'mode=1777'] },
  ],
  [['--tmpfs', '/run'], { type: 'tmpfs', target: '/run', options: [] }],
  [['--tmpfs', '/run:noexec,size=1g'], { type: 'tmpfs', target: '/run', options: ['noexec', 'size=1g'] }],
];

test.each(mounts)('%j mounts %j', (flags, mount) => {
  expect(parseRun([...flags, 'busybox'], context).request.mounts).toEqual([mount]);
});

test('what is no part of the request stands beside it', () => {
  const argv = ['-it', '--rm', '--env-file', 'vars', '--env-file=/more', '--log-level', 'debug', 'host'];
  expect(parseRun(argv, context)).toEqual({
    request: { image: 'host', terminal: true },
    isolation: 'container',
    machine: {},
    envFiles: ['/here/vars', '/more'],
    interactive: true,
    tty: true,
    rm: true,
    logLevel: 'debug',
    help: false,
  });
});

test('after the image everything is the command, flags too', () => {
  const argsOf = (...argv: string[]) => parseRun(argv, context).request.args;
  expect(argsOf('busybox', 'ls', '-l', '--rm', '--')).toEqual(['ls', '-l', '--rm', '--']);
  expect(argsOf('busybox', '--', 'ls')).toEqual(['ls']);
  expect(argsOf('busybox', '--', '--', 'ls')).toEqual(['--', 'ls']);
  expect(argsOf('--', 'busybox', '--', 'ls')).toEqual(['--', 'ls']);
  expect(argsOf('busybox', '')).toEqual(['']);
});

test('an image may look like a flag after --', () => {
  expect(parseRun(['--init', '--', '--image'], context).request.image).toBe('--image');
});

test('help wins over everything else that is wrong', () => {
  expect(parseRun(['--bogus', '--help'], context).help).toBe(true);
  expect(parseRun(['-h'], context).help).toBe(true);
});

test('the other verbs take the flags of run and their own', () => {
  expect(parseExplain(['--json', '-m', '1g', 'busybox'], context)).toMatchObject({ json: true });
  expect(parseTrace(['--svg', 'a.svg', 'busybox'], context)).toMatchObject({ svg: '/here/a.svg', json: false });
  expect(parseStep(['--plain', 'busybox'], context)).toMatchObject({ plain: true });
  expect(() => parseRun(['--json', 'busybox'], context)).toThrow('--json: no such flag');
});

function problemsOf(...argv: string[]): string {
  try {
    parseRun(argv, context);
  } catch (error) {
    if (error instanceof TareError) return error.doing;
    throw error;
  }
  return 'none';
}

test('one problem is one line', () => {
  expect(problemsOf('--memory', '12q', 'busybox')).toMatchInlineSnapshot(
    `"run: --memory 12q: not a size (expected a number and one of b, k, m, g or t, such as 64m)"`,
  );
});

test('all problems are reported at once', () => {
  const flags = ['--memroy', '1g', '--cpus=many', '-itx', '--pids-limit', '0', '--read-only=maybe', '-e', '=x', '-h'];
  expect(problemsOf(...flags)).toMatchInlineSnapshot(`
    "run: 8 problems
      --memroy: no such flag; did you mean --memory?
      --cpus many: not a number (expected a number of CPUs from 0.01, such as 1.5)
      -x in -itx: no such flag
      --pids-limit 0: out of range (expected a whole number from 1, or -1 for no limit)
      --read-only=maybe: neither true nor false (expected true or false)
      -e =x: no name (expected NAME=VALUE, or NAME to hand on our own)
      -h: no value (expected a name of 1 to 64 characters)
      no image (expected tare run [FLAGS] IMAGE [COMMAND...])"
  `);
});

test('a number, a name or a list that is wrong is named with its form', () => {
  expect(
    [
      ['--umask', '888'],
      ['--cpu-weight', '0'],
      ['--io-weight', '1.5'],
      ['--cpus', '0'],
      ['--cpuset-cpus', '3-1'],
      ['--cpuset-mems', '0,'],
      ['--oom-score-adj', '1001'],
      ['--ulimit', 'nofiel=1'],
      ['--ulimit', 'nofile'],
      ['--ulimit', 'nofile=2:1'],
      ['--ulimit', 'nofile=1:2:3'],
      ['--uidmap', '0:1'],
      ['--uidmap', '0:1:0'],
      ['--gidmap', '0:4294967290:10'],
      ['--time-offset', 'realtime=5'],
      ['--time-offset', 'boottime=1,boottime=2'],
      ['--network', 'bridge'],
      ['--pid', 'hots'],
      ['--ipc', 'ns:'],
      ['--hostname', ''],
      ['--name', '-a'],
      ['--user', 'a:b:c'],
      ['--workdir', 'src'],
      ['--entrypoint', '[1]'],
      ['--sysctl', 'kernel.sem'],
      ['--cap-add', 'NET_ADMN'],
      ['--log-level', 'loud'],
      ['--env-file', ''],
    ]
      .map((flags) => problemsOf(...flags, 'busybox'))
      .join('\n'),
  ).toMatchInlineSnapshot(`
    "run: --umask 888: not such a number (expected an octal number up to 0777, such as 022)
    run: --cpu-weight 0: out of range (expected a whole number from 1 to 10000)
    run: --io-weight 1.5: not a whole number (expected a whole number from 1 to 10000)
    run: --cpus 0: too little (expected a number of CPUs from 0.01, such as 1.5)
    run: --cpuset-cpus 3-1: 3-1 runs backwards (expected a list such as 0-2,7)
    run: --cpuset-mems 0,: not such a list (expected a list such as 0-2,7)
    run: --oom-score-adj 1001: out of range (expected a whole number from -1000 to 1000)
    run: --ulimit nofiel=1: no limit is called nofiel (did you mean nofile?) (expected NAME=SOFT[:HARD], such as nofile=1024:4096; -1 for no limit)
    run: --ulimit nofile: no = (expected NAME=SOFT[:HARD], such as nofile=1024:4096; -1 for no limit)
    run: --ulimit nofile=2:1: the soft limit is above the hard one (expected NAME=SOFT[:HARD], such as nofile=1024:4096; -1 for no limit)
    run: --ulimit nofile=1:2:3: not one or two whole numbers (expected NAME=SOFT[:HARD], such as nofile=1024:4096; -1 for no limit)
    run: --uidmap 0:1: not three numbers (expected CONTAINER:HOST:SIZE, such as 0:100000:65536)
    run: --uidmap 0:1:0: maps no id (expected CONTAINER:HOST:SIZE, such as 0:100000:65536)
    run: --gidmap 0:4294967290:10: beyond the last id, 4294967294 (expected CONTAINER:HOST:SIZE, such as 0:100000:65536)
    run: --time-offset realtime=5: realtime=5 is no offset of a clock (expected monotonic=SECONDS, boottime=SECONDS or both with a comma)
    run: --time-offset boottime=1,boottime=2: two offsets of boottime (expected monotonic=SECONDS, boottime=SECONDS or both with a comma)
    run: --network bridge: no such choice (expected none, host or ns:PATH, or user with --isolation vm)
    run: --pid hots: no such choice (did you mean host?) (expected private, host or ns:PATH)
    run: --ipc ns:: no path (expected private, host or ns:PATH)
    run: --hostname "": not of that form (expected a name of 1 to 64 characters)
    run: --name -a: not of that form (expected letters, digits, _, . and -, a letter or digit first)
    run: --user a:b:c: not of that form (expected USER[:GROUP], names or ids)
    run: --workdir src: the path in the container, src, must start with / (expected an absolute path in the container)
    run: --entrypoint [1]: not a JSON list of strings (expected PROGRAM, or a list such as ["sh", "-c"])
    run: --sysctl kernel.sem: no = (expected NAME=VALUE, such as net.ipv4.ip_forward=1)
    run: --cap-add NET_ADMN: no such capability (did you mean NET_ADMIN?) (expected a name of capabilities(7), such as NET_ADMIN, or ALL)
    run: --log-level loud: no such choice (expected trace, debug, info, warn, error or silent)
    run: --env-file "": empty (expected a path on this machine)"
  `);
});

test('a mount, a device or a security option that is wrong is named with its form', () => {
  expect(
    [
      ['-v', '/a'],
      ['-v', 'data:/b'],
      ['-v', '/a:b'],
      ['-v', '/a:/'],
      ['-v', '/a:/b:or'],
      ['-v', '/a:/b:ro:z'],
      ['--tmpfs', 'run'],
      ['--tmpfs', '/run:sice=1'],
      ['--mount', 'source=/a,target=/b'],
      ['--mount', 'type=volume,target=/b'],
      ['--mount', 'type=bind,source=/a'],
      ['--mount', 'type=bind,target=/b'],
      ['--mount', 'type=bind,sorce=/a,target=/b,tmpfs-size=1'],
      ['--mount', 'type=tmpfs,target=/b,tmpfs-size=lots,tmpfs-mode=9,readonly=perhaps'],
      ['--mount', 'type=bind,source=/a,source=/c,target=/b,bind-recursive=no,bind-propagation=far'],
      ['--mount', 'type=bind,"source=/a,target=/b'],
      ['--device', '/dev/sda:/dev/sdb:rx'],
      ['--device', ''],
      ['--security-opt', 'secomp=unconfined'],
      ['--security-opt', 'seccomp'],
      ['--security-opt', 'no-new-privileges=perhaps'],
      ['--security-opt', 'label=type:container_t'],
      ['--security-opt', 'systempaths=all'],
    ]
      .map((flags) => problemsOf(...flags, 'busybox'))
      .join('\n'),
  ).toMatchInlineSnapshot(`
    "run: -v /a: no target (expected SRC:DST[:OPTIONS], such as ./src:/src:ro)
    run: -v data:/b: tare keeps no named volumes; write ./data for a directory (expected SRC:DST[:OPTIONS], such as ./src:/src:ro)
    run: -v /a:b: the path in the container, b, must start with / (expected SRC:DST[:OPTIONS], such as ./src:/src:ro)
    run: -v /a:/: the root itself is no target (expected SRC:DST[:OPTIONS], such as ./src:/src:ro)
    run: -v /a:/b:or: no mount option is called or (did you mean ro?) (expected SRC:DST[:OPTIONS], such as ./src:/src:ro)
    run: -v /a:/b:ro:z: more than two colons (expected SRC:DST[:OPTIONS], such as ./src:/src:ro)
    run: --tmpfs run: the path in the container, run, must start with / (expected DST[:OPTIONS], such as /run:size=64m,mode=755)
    run: --tmpfs /run:sice=1: no mount option is called sice (did you mean size?) (expected DST[:OPTIONS], such as /run:size=64m,mode=755)
    run: --mount source=/a,target=/b: no type (expected type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,tmpfs-size=SIZE])
    run: --mount type=volume,target=/b: no mount type is called volume (expected type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,tmpfs-size=SIZE])
    run: --mount type=bind,source=/a: no path in the container (expected type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,tmpfs-size=SIZE])
    run: --mount type=bind,target=/b: no source (expected type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,tmpfs-size=SIZE])
    run: --mount type=bind,sorce=/a,target=/b,tmpfs-size=1: no key is called sorce (did you mean source?); tmpfs-size says nothing to a bind mount; no source (expected type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,tmpfs-size=SIZE])
    run: --mount type=tmpfs,target=/b,tmpfs-size=lots,tmpfs-mode=9,readonly=perhaps: tmpfs-size is no size: lots; tmpfs-mode is no octal number: 9; readonly is neither true nor false: perhaps (expected type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,tmpfs-size=SIZE])
    run: --mount type=bind,source=/a,source=/c,target=/b,bind-recursive=no,bind-propagation=far: two values of source; bind-recursive is one of enabled, disabled, writable, readonly; bind-propagation is one of private, rprivate, shared, rshared, slave, rslave (expected type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,tmpfs-size=SIZE])
    run: --mount "type=bind,\\"source=/a,target=/b": a quote without its partner (expected type=bind,source=SRC,target=DST[,readonly] or type=tmpfs,target=DST[,tmpfs-size=SIZE])
    run: --device /dev/sda:/dev/sdb:rx: no such permissions (expected SRC[:DST][:PERMISSIONS], such as /dev/fuse or /dev/sda:/dev/disk:r; permissions are of r, w and m)
    run: --device "": empty (expected SRC[:DST][:PERMISSIONS], such as /dev/fuse or /dev/sda:/dev/disk:r; permissions are of r, w and m)
    run: --security-opt secomp=unconfined: no option is called secomp (did you mean seccomp?) (expected no-new-privileges, seccomp=PATH|unconfined, apparmor=PROFILE, label=LABEL or systempaths=unconfined)
    run: --security-opt seccomp: neither a path nor unconfined (expected no-new-privileges, seccomp=PATH|unconfined, apparmor=PROFILE, label=LABEL or systempaths=unconfined)
    run: --security-opt no-new-privileges=perhaps: neither true nor false (expected no-new-privileges, seccomp=PATH|unconfined, apparmor=PROFILE, label=LABEL or systempaths=unconfined)
    run: --security-opt label=type:container_t: a label is user:role:type:level, as a whole (expected no-new-privileges, seccomp=PATH|unconfined, apparmor=PROFILE, label=LABEL or systempaths=unconfined)
    run: --security-opt systempaths=all: system paths are unconfined or not mentioned (expected no-new-privileges, seccomp=PATH|unconfined, apparmor=PROFILE, label=LABEL or systempaths=unconfined)"
  `);
});

test('flags that contradict each other are both named', () => {
  expect(
    [
      ['-m', '64m', '--memory', '128m'],
      ['--tty', '--tty=false'],
      ['--sysctl', 'a=1', '--sysctl', 'a=2'],
      ['--ulimit', 'core=1', '--ulimit', 'core=2'],
      ['--security-opt', 'seccomp=unconfined', '--security-opt', 'seccomp=a.json'],
      ['--memory-swap', '-1'],
      ['--memory', '1g', '--memory-swap', '512m'],
      ['--memory', '1g', '--memory-reservation', '2g'],
      ['-v', '/a:/b', '--tmpfs', '/b/'],
      ['--upper', 'a', '--read-only'],
      ['--hostname', 'a', '--uts', 'host'],
      ['--uidmap', '0:1:1', '--userns', 'host'],
      ['--cap-add', 'KILL', '--cap-drop', 'kill'],
    ]
      .map((flags) => problemsOf(...flags, 'busybox'))
      .join('\n'),
  ).toMatchInlineSnapshot(`
    "run: --memory: given both as 64m and as 128m
    run: --tty: given both as true and as false
    run: --sysctl: given both as a=1 and as a=2
    run: --ulimit: given both as core=1 and as core=2
    run: --security-opt: given both as seccomp=unconfined and as seccomp=a.json
    run: --memory-swap: counts memory and swap together, so it needs --memory
    run: --memory-swap 512m: less than --memory 1g, which it includes
    run: --memory-reservation 2g: more than --memory 1g
    run: /b: more than one --volume, --mount or --tmpfs there
    run: --upper: nothing will be written to keep with --read-only
    run: --hostname: would rename this machine with --uts host; leave one of them out
    run: --uidmap: needs a user namespace of its own; leave out --userns or make it private
    run: --cap-add KILL: --cap-drop takes the same away; leave one of them out"
  `);
});

test('what only looks contradictory is fine', () => {
  expect(problemsOf('-m', '64m', '--memory=64m', 'busybox')).toBe('none');
  expect(problemsOf('--memory-swap', '-1', '--memory', '1g', 'busybox')).toBe('none');
  expect(problemsOf('--cap-drop', 'ALL', '--cap-add', 'KILL', 'busybox')).toBe('none');
  expect(problemsOf('--memory', '1q', '--memory-swap', '2g', 'busybox')).not.toContain('needs --memory');
});

test('a flag of Docker that tare lacks says what to do instead', () => {
  expect(problemsOf('-d', '-p', '80:80', '--cpu-shares', '512', '--detach', 'busybox', 'sh')).toMatchInlineSnapshot(`
    "run: 4 problems
      -d: not a flag of tare; it keeps no daemon, so a container lives as long as its command; let the shell run it in the background: &
      -p: not a flag of tare; a container has no network of its own to publish yet; --network host shares that of this machine
      --cpu-shares: not a flag of tare; use --cpu-weight, where 100 is the usual share
      --detach: not a flag of tare; it keeps no daemon, so a container lives as long as its command; let the shell run it in the background: &"
  `);
});

test('no image, and an empty one', () => {
  expect(problemsOf('-it')).toMatchInlineSnapshot(`"run: no image (expected tare run [FLAGS] IMAGE [COMMAND...])"`);
  expect(problemsOf('')).toBe(problemsOf());
});
