/** The doctor's verdicts against what other tools find on the same machine, and on machines made worse for the test. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { probeCgroups } from '../../src/cgroup/hierarchy.ts';
import { canRun, type Diagnosis } from '../../src/doctor/diagnosis.ts';
import { diagnose } from '../../src/doctor/diagnose.ts';
import { readMountinfo, readStatus } from '../../src/linux/proc.ts';
import { needs } from './needs.ts';

const top = join(import.meta.dirname, '../..');

/** Where an ordinary user finds the doctor too, whoever owns the checkout. */
const clinic = mkdtempSync(join(tmpdir(), 'tare-doctor-'));
const doctor = join(clinic, 'src/doctor/main.cjs');
let here: Diagnosis[];

beforeAll(async () => {
  chmodSync(clinic, 0o755);
  const addon = `node_modules/@yuuang/ffi-rs-linux-${process.arch}-gnu`;
  for (const path of ['dist/libtare.so', 'dist/tare-init', 'dist/images', addon])
    cpSync(join(top, path), join(clinic, path), { recursive: true, verbatimSymlinks: true });
  const say = '(found) => console.log(JSON.stringify(found))';
  await build({
    stdin: {
      contents: `import { diagnose } from './src/doctor/diagnose.ts'; void diagnose().then(${say});`,
      resolveDir: top,
    },
    outfile: doctor,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    define: { 'import.meta.dirname': '__dirname' },
    external: ['@yuuang/*'],
    logLevel: 'error',
  });
  here = await diagnose();
});

afterAll(() => rmSync(clinic, { recursive: true, force: true }));

/** What the doctor says where `prepare` has been done: a shell script, as root of worlds that end with it. */
function diagnoseIn(wrapper: readonly string[], prepare: string, env: NodeJS.ProcessEnv = {}): Diagnosis[] {
  const [command, ...args] = [...wrapper, 'sh', '-c', `${prepare}\nexec '${process.execPath}' '${doctor}'`] as const;
  const clean = { PATH: process.env.PATH, ...env };
  return JSON.parse(execFileSync(command, args, { encoding: 'utf8', env: clean })) as Diagnosis[];
}

function about(name: string, diagnoses = here): Diagnosis {
  const found = diagnoses.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no diagnosis of ${name}`);
  return found;
}

const shell = (script: string): string => execFileSync('sh', ['-c', script], { encoding: 'utf8' });
const works = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const privileged = readStatus().uid.effective === 0;

test.runIf(needs('tool:unshare'))('each kind of namespace is had exactly where unshare(1) has it', () => {
  const lend = privileged ? [] : ['--user', '--map-root-user'];
  const options = {
    mount: 'mount',
    pid: 'pid',
    network: 'net',
    ipc: 'ipc',
    uts: 'uts',
    cgroup: 'cgroup',
    time: 'time',
  };
  for (const [name, option] of Object.entries(options)) {
    const had = works('unshare', ...lend, `--${option}`, '--fork', 'true');
    expect([name, about(`${name} namespace`).verdict]).toEqual([name, had ? 'yes' : 'no']);
  }
  const had = works('unshare', '--user', '--map-root-user', 'true');
  expect(about(privileged ? 'user namespace' : 'user namespaces').verdict).toBe(had ? 'yes' : 'no');
});

test('controllers are had where the kernel offers them to v2, and else it is said who has them', () => {
  const { v1, grantable, delegated } = probeCgroups();
  for (const name of ['memory', 'cpu', 'pids']) {
    const { verdict, fact } = about(`${name} controller`);
    if (grantable.includes(name)) expect(verdict).toBe('yes');
    else if (v1[name] !== undefined) expect(fact).toContain(v1[name]);
    else expect(verdict).toBe(delegated === undefined ? 'info' : 'no');
  }
});

test('peers are found as the shell finds them, and one line installs the others', () => {
  const odd: Readonly<Record<string, string>> = { lxc: 'lxc-execute', containerd: 'ctr', docker: 'dockerd' };
  const own = here.filter(({ group, name }) => group === 'peers' && name !== 'the others');
  expect(own.length).toBeGreaterThan(8);
  for (const { name, verdict, fact } of own) {
    const path = spawnSync('sh', ['-c', `command -v ${odd[name] ?? name}`], { encoding: 'utf8' }).stdout.trim();
    if (path === '') expect([name, verdict, fact]).toEqual([name, 'info', 'not installed']);
    else expect(fact).toContain(path);
  }
  const missing = own.filter(({ verdict }) => verdict === 'info').length;
  const line = about('the others').fact;
  expect(line).toMatch(missing === 0 ? /^none is missing$/ : /^apt-get install( [a-z.-]+)+$/);
  expect(line.split(' ').length).toBe(missing === 0 ? 3 : 2 + missing);
});

test('every no comes with what is lost and a cure, and everything else without', () => {
  for (const { name, verdict, lost, cure, fact } of here) {
    expect([name, fact !== '', Boolean(lost), Boolean(cure)]).toEqual([name, true, verdict === 'no', verdict === 'no']);
  }
});

test.runIf(needs('root', 'overlay', 'busybox'))('where all is well containers run', () => {
  expect(here.filter(({ vital, verdict }) => vital && verdict === 'no')).toEqual([]);
  expect(canRun(here)).toBe(true);
  expect(about('a container').verdict).toBe('yes');
});

test('nothing is left behind', async () => {
  const { delegated } = probeCgroups();
  const look = () => ({
    mounts: readMountinfo(),
    groups: delegated === undefined ? [] : readdirSync(delegated).filter((name) => name.startsWith('tare-doctor')),
    children: readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8'),
  });
  const before = look();
  const files = openFiles();
  await diagnose();
  expect(look()).toEqual(before);
  // What it starts processes with stays for the next time: libtare's thread, and the memory that children execute.
  const kept = ['/dev/null', '/memfd:tare-init (deleted)', 'anon_inode:[eventpoll]', 'socket'];
  expect(openFiles().filter((file) => !files.includes(file) && !kept.includes(file))).toEqual([]);
});

/** What the fds of this process lead to; sockets have numbers that come and go. */
const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`).replace(/^(socket|pipe):.*/, '$1')];
    } catch {
      return []; // the one that read the directory
    }
  });

test.runIf(needs('userns', 'tool:unshare'))(
  'without user namespaces: the sysctl in the way is named, and no more is asked in them',
  () => {
    const found = diagnoseIn(
      ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc'],
      'echo 0 > /proc/sys/user/max_user_namespaces',
    );
    expect(about('user namespaces', found)).toMatchObject({
      verdict: 'no',
      fact: 'start a process (clone3(CLONE_NEWUSER)): ENOSPC',
      cure: 'sysctl -w user.max_user_namespaces=15000',
    });
    expect(about('overlayfs', found)).toMatchObject({ verdict: 'info', fact: 'not examined: see user namespaces' });
  },
);

test.runIf(needs('root', 'userns', 'tool:unshare'))(
  'a part of /proc that is hidden keeps procfs from user namespaces',
  () => {
    expect(about('procfs and sysfs').verdict).toBe('yes');
    const found = diagnoseIn(['unshare', '--mount'], 'mount -t tmpfs none /proc/irq');
    expect(about('procfs and sysfs', found)).toMatchObject({ verdict: 'no', fact: 'not proc (EPERM)' });
  },
);

const memfdSetting = existsSync('/proc/sys/vm/memfd_noexec');

test.runIf(needs('root', 'tool:unshare') && memfdSetting)(
  'memory that must not be executed: nothing starts, and why',
  () => {
    const world = ['unshare', '--pid', '--fork', '--mount-proc'];
    const strict = diagnoseIn(world, 'echo 2 > /proc/sys/vm/memfd_noexec');
    expect(about('memory to execute', strict).verdict).toBe('no');
    expect(about('clone3', strict)).toMatchObject({ verdict: 'no', vital: true, cure: 'sysctl -w vm.memfd_noexec=1' });
    expect(about('mount namespace', strict)).toMatchObject({ verdict: 'info', fact: 'not examined: see clone3' });
    expect(canRun(strict)).toBe(false);
    // The contrast: memory that must be asked for by name is.
    expect(canRun(diagnoseIn(world, 'echo 1 > /proc/sys/vm/memfd_noexec'))).toBe(true);
  },
);

test.runIf(needs('root', 'tool:setpriv'))('limits, variables and confinement of this process are seen', () => {
  const found = diagnoseIn(['setpriv', '--no-new-privs'], 'ulimit -n 512', { NODE_OPTIONS: '--no-warnings' });
  expect(about('open files', found)).toMatchObject({ verdict: 'no', fact: '512 at most' });
  expect(about('NODE_OPTIONS', found)).toMatchObject({ verdict: 'no', fact: '--no-warnings' });
  expect(about('our own confinement', found).verdict).toBe('no');
});

const user = `tare-dr-${process.pid}`;

test.runIf(needs('root', 'userns', 'subids', 'overlay', 'tool:useradd', 'tool:setpriv'))(
  'an ordinary user: what works, and a cure that cures',
  () => {
    shell(`useradd --create-home ${user}`);
    try {
      const become = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups'];
      const asUser = (...more: string[]): Diagnosis[] => diagnoseIn([...become, ...more], '');
      shell(`sed -i /^${user}:/d /etc/subuid /etc/subgid`);
      const poor = asUser();
      expect(about('subordinate ids', poor)).toMatchObject({ verdict: 'no', vital: false });
      expect(about('newuidmap, newgidmap', poor).verdict).toBe('yes');
      expect(canRun(poor)).toBe(true);

      const cure = about('subordinate ids', poor).cure ?? '';
      shell(cure.replace('as root: ', ''));
      const rich = asUser();
      expect(about('subordinate ids', rich).verdict).toBe('yes');
      expect(about('newuidmap, newgidmap', rich)).toMatchObject({ verdict: 'yes', fact: 'became user 1 of the range' });
      expect(about('a container', rich).verdict).toBe('yes');
      expect(about('overlayfs as root', rich).verdict).toBe('info');

      // Setuid programs have no effect under no-new-privileges: tare would count on them in vain.
      const confined = asUser('--no-new-privs');
      expect(about('newuidmap, newgidmap', confined)).toMatchObject({ verdict: 'no', vital: true });
      expect(canRun(confined)).toBe(false);
    } finally {
      shell(`rm -rf /tmp/tare-$(id -u ${user}); userdel --remove ${user} 2>&1`);
    }
  },
);
