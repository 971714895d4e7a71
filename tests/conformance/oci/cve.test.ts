/**
 * Holes that runtimes once had, each tried again by a hostile image, bundle or container. A runtime in which one is known to
 * be open is named beside it: there the test must fail, so that it is seen to be able to.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Mount, Spec } from '../../../src/spec/spec.ts';
import { needs } from '../../kernel/needs.ts';
import { Bundle, eventually, plainSpec } from './bundle.ts';
import { testThatFails } from './deviations.ts';
import { type Runtime, runtimes } from './runtimes.ts';

const able = needs('root', 'busybox', 'cgroup2');

type Shut = (runtime: Runtime, outside: string) => void | Promise<void>;

interface Hole {
  readonly cve: string;
  /** What stays so. */
  readonly title: string;
  /** Where it is open, as Debian 12 has them. */
  readonly open?: readonly Runtime['name'][];
  /** Where it is by a race that is not won each time: there nothing is asked. */
  readonly racy?: readonly Runtime['name'][];
  readonly shut: Shut;
}

const withoutDev = (spec: Spec): Spec => ({
  ...spec,
  mounts: spec.mounts?.filter(({ destination }) => !destination.startsWith('/dev')),
});

const withMounts = (spec: Spec, ...mounts: Mount[]): Spec => ({ ...spec, mounts: [...(spec.mounts ?? []), ...mounts] });

/** Creates and starts, and waits for the last word of the script; whether it came to that. */
async function runs(box: Bundle): Promise<boolean> {
  if (box.create().status !== 0) return false;
  if (box.start().status !== 0) return false;
  await eventually('it has ended', () => box.state().status === 'stopped');
  return box.read('done') !== undefined;
}

const script = (text: string): string[] => ['sh', '-c', `{ ${text}; } >/said 2>&1; echo >/done`];

/** In the place of a file of the image. */
function replaceBy(link: string, target: string): void {
  rmSync(link, { recursive: true, force: true });
  symlinkSync(target, link);
}

const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

const filesOf = ({ words }: Runtime): string[] => {
  const dist = join(import.meta.dirname, '../../../dist');
  const [last = ''] = words.slice(-1);
  const own = ['tare-oci', 'tare-init', 'libtare.so', 'oci.cjs'].map((name) => join(dist, name));
  return last.endsWith('/tare-oci') ? [process.execPath, ...own] : [last === 'crun' ? '/usr/bin/crun' : last];
};

/** Exchanges a directory and a link for each other, as fast as it can. */
const exchange =
  'while [ -d "$1" ] || [ -L "$1" ]; do mv -T "$1" "$1.old"; mv -T "$2" "$1"; mv -T "$1" "$2"; mv -T "$1.old" "$1"; done';

const holes: Hole[] = [
  {
    cve: 'CVE-2016-9962',
    title: 'who is in a container cannot look into a process that joins it',
    racy: ['crun', 'runc'],
    async shut(runtime) {
      // Its name is read before and after: what has executed meanwhile is of the container, and so is what has ended since.
      const watch = `own() { name=; read name <$1/comm; case $name in ''|sh|sleep|busybox|true|readlink|cat) return 0;; esac; return 1; }
        while [ ! -e /stop ]; do for p in /proc/[0-9]*; do
          own $p && continue
          seen="$(readlink $p/exe $p/cwd $p/root; for fd in $p/fd/*; do readlink $fd; done)"
          [ -n "$seen" ] && ! own $p && echo "$name: $seen" >>/caught
        done; echo >>/rounds; done 2>/dev/null`;
      using box = new Bundle(runtime, plainSpec(['sh', '-c', watch]));
      expect(box.create().status).toBe(0);
      expect(box.start().status).toBe(0);
      for (let time = 0; time < 10; time += 1) expect(box.call('exec', [box.id, 'true']).status).toBe(0);
      writeFileSync(box.at('rootfs/stop'), '');
      await box.until('stopped');
      expect(box.read('rounds')?.length).toBeGreaterThan(1);
      expect(box.read('caught')).toBeUndefined();
    },
  },
  {
    cve: 'CVE-2019-5736',
    title: "no way leads to the runtime's own files, not through /proc/PID/exe either",
    async shut(runtime) {
      const before = filesOf(runtime).map(digest);
      const grab = `while [ ! -e /stop ]; do for p in /proc/[0-9]*; do
        read name <$p/comm; case $name in sh|sleep|busybox) continue;; esac
        { echo overwritten >$p/exe && echo "$name" >>/caught; exec 9<$p/exe && echo overwritten >/proc/self/fd/9 && echo "$name" >>/caught; exec 9<&-; }
      done; done 2>/dev/null`;
      using box = new Bundle(runtime, plainSpec(['sh', '-c', grab]));
      writeFileSync(box.at('rootfs/evil'), '#!/proc/self/exe\n', { mode: 0o755 });
      expect(box.create().status).toBe(0);
      expect(box.start().status).toBe(0);
      for (let time = 0; time < 5; time += 1) box.call('exec', [box.id, '/evil']);
      for (let time = 0; time < 5; time += 1) box.call('exec', [box.id, '/proc/self/exe']);
      writeFileSync(box.at('rootfs/stop'), '');
      await box.until('stopped');
      expect(filesOf(runtime).map(digest)).toEqual(before);
      using image = new Bundle(runtime, plainSpec(['/proc/self/exe']));
      image.create();
      image.call('start', [image.id]);
      expect(filesOf(runtime).map(digest)).toEqual(before);
    },
  },
  {
    cve: 'CVE-2019-16884',
    title: 'what lies over /proc is no place to write labels and settings to',
    shut(runtime) {
      using box = new Bundle(runtime, plainSpec(['true']));
      const files = ['self/attr/exec', 'self/attr/apparmor/exec', 'sys/net/ipv4/ip_unprivileged_port_start'];
      for (const file of files) {
        mkdirSync(join(box.at('fake'), file, '..'), { recursive: true });
        writeFileSync(box.at('fake', file), '');
      }
      const fake: Mount = { destination: '/proc', type: 'bind', source: box.at('fake'), options: ['bind'] };
      for (const extra of [{ sysctl: { 'net.ipv4.ip_unprivileged_port_start': '99' } }, { profile: 'unconfined' }] as {
        sysctl?: Record<string, string>;
        profile?: string;
      }[]) {
        const spec = withMounts(plainSpec(['true']), fake);
        const { sysctl, profile } = extra;
        box.write({
          ...spec,
          process: { ...spec.process, ...(profile === undefined ? {} : { apparmorProfile: profile }) },
          linux: { ...spec.linux, ...(sysctl === undefined ? {} : { sysctl }) },
        });
        box.create();
        box.call('delete', ['--force', box.id]);
        expect(files.map((file) => readFileSync(box.at('fake', file), 'utf8'))).toEqual(files.map(() => ''));
      }
    },
  },
  {
    cve: 'CVE-2019-19921',
    title: 'a /proc that the image has as a link is refused',
    shut(runtime) {
      using box = new Bundle(runtime, plainSpec(['true']));
      mkdirSync(box.at('rootfs/elsewhere'));
      replaceBy(box.at('rootfs/proc'), '/elsewhere');
      const { status, stderr } = box.create();
      expect(status).toBe(1);
      expect(stderr).toMatch(/proc/);
    },
  },
  {
    cve: 'CVE-2023-27561',
    title: 'nor can it be a link into a volume that is mounted first',
    shut(runtime, outside) {
      using box = new Bundle(runtime, plainSpec(['true']));
      mkdirSync(join(outside, 'proc'));
      replaceBy(box.at('rootfs/proc'), '/volume/proc');
      const volume: Mount = { destination: '/volume', type: 'bind', source: outside, options: ['rbind'] };
      const spec = plainSpec(['true']);
      box.write({ ...spec, mounts: [volume, ...(spec.mounts ?? [])] });
      expect(box.create().status).toBe(1);
      expect(readdirSync(join(outside, 'proc'))).toEqual([]);
    },
  },
  {
    cve: 'CVE-2023-28642',
    title: 'neither /sys nor a part of the way to /proc',
    shut(runtime) {
      using box = new Bundle(runtime, plainSpec(['true']));
      mkdirSync(box.at('rootfs/elsewhere'));
      replaceBy(box.at('rootfs/sys'), '/elsewhere');
      const sys: Mount = { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] };
      box.write(withMounts(plainSpec(['true']), sys));
      expect(box.create().status).toBe(1);
    },
  },
  {
    cve: 'CVE-2021-30465',
    title: 'a mount lands in the root, whatever its path leads to and however it changes',
    async shut(runtime, outside) {
      using box = new Bundle(runtime, plainSpec(script('ls -d /data/sub')));
      const spec = plainSpec(script('ls -d /data/sub'));
      box.write(withMounts(spec, { destination: '/data/sub/deep', type: 'tmpfs', source: 'tmpfs' }));
      symlinkSync(`../../../../../../../..${outside}`, box.at('rootfs/data'));
      mkdirSync(box.at('rootfs', outside), { recursive: true });
      await runs(box);
      expect(readdirSync(outside)).toEqual([]);
      box.call('delete', ['--force', box.id]);

      rmSync(box.at('rootfs/data'));
      mkdirSync(box.at('rootfs/data'));
      symlinkSync(outside, box.at('rootfs/link'));
      using _ = running(exchange, box.at('rootfs/data'), box.at('rootfs/link'));
      for (let time = 0; time < 15; time += 1) {
        box.create();
        box.call('delete', ['--force', box.id]);
      }
      expect(readdirSync(outside)).toEqual([]);
    },
  },
  {
    cve: 'CVE-2022-0492',
    title: 'nothing of the tree of cgroups can be written to, and no release_agent be set',
    async shut(runtime) {
      const tries =
        'for f in $(find /sys/fs/cgroup -name release_agent -o -name cgroup.procs -o -name notify_on_release 2>/dev/null | head -n 30); do echo 1 >$f && echo "wrote $f"; done; mkdir /sys/fs/cgroup/mine && ls /sys/fs/cgroup/mine/cgroup.procs && echo made; mkdir /rdma; mount -t cgroup -o rdma x /rdma && echo mounted; unshare -UrmC mount -t cgroup -o rdma x /rdma && echo mounted; true';
      const spec = plainSpec(script(tries));
      const mounts: Mount[] = [
        { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
        {
          destination: '/sys/fs/cgroup',
          type: 'cgroup',
          source: 'cgroup',
          options: ['nosuid', 'noexec', 'nodev', 'ro'],
        },
      ];
      const namespaces = [...(spec.linux?.namespaces ?? []), { type: 'cgroup' as const }];
      using box = new Bundle(runtime, { ...withMounts(spec, ...mounts), linux: { ...spec.linux, namespaces } });
      expect(await runs(box)).toBe(true);
      expect(box.read('said')).not.toMatch(/^(wrote|made|mounted)/m);
    },
  },
  {
    cve: 'CVE-2022-29162',
    title: 'a process that joins has no inheritable capabilities but those that were granted so',
    shut(runtime) {
      using box = new Bundle(runtime, plainSpec(['sleep', '1000']));
      expect(box.create().status).toBe(0);
      expect(box.start().status).toBe(0);
      const { stdout } = box.call('exec', ['--cap', 'CAP_NET_RAW', box.id, 'grep', '^Cap', '/proc/self/status']);
      expect(stdout).toMatch(/^CapInh:\s*0+$/m);
      expect(stdout).toMatch(/^CapAmb:\s*0+$/m);
    },
  },
  {
    cve: 'CVE-2022-27650',
    title: 'nor has the first one',
    async shut(runtime) {
      using box = new Bundle(runtime, plainSpec(script('grep ^Cap /proc/self/status')));
      expect(await runs(box)).toBe(true);
      expect(box.read('said')).toMatch(/^CapInh:\s*0+$/m);
      expect(box.read('said')).toMatch(/^CapPrm:\s*0+20$/m);
    },
  },
  {
    cve: 'CVE-2023-25809',
    title: 'in a user namespace that shares the cgroup namespace the tree of cgroups is read-only to the last mount',
    async shut(runtime) {
      const tries =
        'find /sys/fs/cgroup -name cgroup.procs 2>/dev/null | head -n 40 >/tried; for d in $(sed s,/cgroup.procs,, /tried); do mkdir $d/tare-mine && { echo "made $d"; rmdir $d/tare-mine; }; done; true';
      const spec = plainSpec(script(tries));
      const cgroup: Mount = {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
      };
      const map = [{ containerID: 0, hostID: 0, size: 65536 }];
      const linux = {
        ...spec.linux,
        namespaces: [...(spec.linux?.namespaces ?? []), { type: 'user' as const }],
        uidMappings: map,
        gidMappings: map,
      };
      using box = new Bundle(runtime, { ...withMounts(spec, cgroup), linux });
      const ran = await runs(box);
      expect(ran || runtime.name !== 'tare-oci').toBe(true); // some refuse it
      expect(box.read('said') ?? '').not.toMatch(/^made/m);
    },
  },
  {
    cve: 'CVE-2024-21626',
    title: 'no directory of the host is the working directory, nor open',
    async shut(runtime) {
      using box = new Bundle(runtime, plainSpec(['true']));
      for (let fd = 3; fd < 20; fd += 1) {
        const spec = plainSpec(script('pwd; ls -la ../../../../../../../../etc/shadow- /proc/self/fd/; true'));
        box.write({ ...spec, process: { ...spec.process, cwd: `/proc/self/fd/${fd}` } });
        rmSync(box.at('rootfs/done'), { force: true });
        if (await runs(box)) expect(box.read('said')).not.toContain('(unreachable)');
        box.call('delete', ['--force', box.id]);
      }
      box.write(plainSpec(['sleep', '1000']));
      expect(box.create().status).toBe(0);
      expect(box.start().status).toBe(0);
      for (let fd = 3; fd < 14; fd += 1) {
        const { status, stdout } = box.call('exec', ['--cwd', `/proc/self/fd/${fd}`, box.id, 'pwd']);
        if (status === 0) expect(stdout).toMatch(/^\//);
      }
      const { stdout } = box.call('exec', [box.id, 'ls', '-l', '/proc/self/fd']);
      expect(
        stdout
          .split('\n')
          .filter((line) => /(\/tare-oci|\/runc|\/crun|cgroup|memfd|state)/.test(line) && !line.includes('said')),
      ).toEqual([]);
    },
  },
  {
    cve: 'CVE-2024-45310',
    title: 'what a mount needs to be mounted onto is made in the root, never on the host',
    shut(runtime, outside) {
      using box = new Bundle(runtime, plainSpec(['true']));
      const file: Mount = {
        destination: '/volume/link/made',
        type: 'bind',
        source: '/etc/hostname',
        options: ['bind'],
      };
      const volume: Mount = { destination: '/volume', type: 'bind', source: box.at('shared'), options: ['rbind'] };
      mkdirSync(box.at('shared'));
      symlinkSync(outside, box.at('shared/link'));
      box.write(withMounts(plainSpec(['true']), volume, file));
      box.create();
      box.call('delete', ['--force', box.id]);
      expect(readdirSync(outside)).toEqual([]);

      rmSync(box.at('shared/link'));
      mkdirSync(box.at('shared/link'));
      symlinkSync(outside, box.at('shared/other'));
      using _ = running(exchange, box.at('shared/link'), box.at('shared/other'));
      for (let time = 0; time < 15; time += 1) {
        box.create();
        box.call('delete', ['--force', box.id]);
      }
      expect(readdirSync(outside)).toEqual([]);
    },
  },
  {
    cve: 'CVE-2025-31133',
    title: "what hides a path is the host's /dev/null, not what the image has under that name",
    open: ['runc'],
    async shut(runtime) {
      const spec = withoutDev(plainSpec(script('cat /proc/version; ls -lL /proc/version; true')));
      using box = new Bundle(runtime, { ...spec, linux: { ...spec.linux, maskedPaths: ['/proc/version'] } });
      mkdirSync(box.at('rootfs/dev'), { recursive: true });
      writeFileSync(box.at('rootfs/bait'), 'bait');
      replaceBy(box.at('rootfs/dev/null'), '/bait');
      expect(await runs(box)).toBe(true);
      expect(box.read('said')).not.toContain('bait');
      expect(box.read('said')).toMatch(/1, +3/);
    },
  },
  {
    cve: 'CVE-2025-52565',
    title: 'the console is bound to what it is, and to nothing that a link of the image leads to',
    open: ['crun'],
    async shut(runtime, outside) {
      using box = new Bundle(runtime, plainSpec(['true']));
      const tries = 'ls -lL /bait /proc/sys/kernel/hostname; cat /bait; true';
      const spec = withoutDev(plainSpec(script(tries)));
      box.write({ ...spec, process: { ...spec.process, terminal: true } });
      mkdirSync(box.at('rootfs/dev/pts'), { recursive: true });
      writeFileSync(box.at('rootfs/bait'), 'bait');
      replaceBy(box.at('rootfs/dev/console'), join(outside, 'made'));
      for (let index = 0; index < 4; index += 1) replaceBy(box.at('rootfs/dev/pts', String(index)), '/bait');
      const path = box.at('console');
      const server = createServer((socket) => socket.on('data', () => {})).listen(path);
      await eventually('somebody listens', () => server.listening);
      try {
        const created = box.create(['--console-socket', path]);
        if (created.status === 0) {
          box.start();
          await eventually('it has ended', () => box.state().status === 'stopped');
        }
      } finally {
        server.close();
      }
      expect(readdirSync(outside)).toEqual([]);
      expect(readFileSync(box.at('rootfs/bait'), 'utf8')).toBe('bait');
    },
  },
  {
    cve: 'CVE-2025-52881',
    title: 'settings are written to the kernel, not to what is mounted over them',
    shut(runtime) {
      using box = new Bundle(runtime, plainSpec(['true']));
      const name = 'net.ipv4.ip_unprivileged_port_start';
      const place = `/proc/sys/${name.replaceAll('.', '/')}`;
      writeFileSync(box.at('decoy'), 'untouched');
      const decoy: Mount = { destination: place, type: 'bind', source: box.at('decoy'), options: ['bind'] };
      const spec = withMounts(plainSpec(['true']), decoy);
      box.write({ ...spec, linux: { ...spec.linux, sysctl: { [name]: '99' } } });
      box.create();
      expect(readFileSync(box.at('decoy'), 'utf8')).toBe('untouched');
    },
  },
  {
    cve: 'CVE-2026-30892',
    title: 'exec --user 1 is user 1',
    shut(runtime) {
      using box = new Bundle(runtime, plainSpec(['sleep', '1000']));
      expect(box.create().status).toBe(0);
      expect(box.start().status).toBe(0);
      const { stdout } = box.call('exec', ['--user', '1', box.id, '/bin/grep', '^Uid', '/proc/self/status']);
      expect(stdout).toBe('Uid:\t1\t1\t1\t1\n');
    },
  },
  {
    cve: 'CVE-2026-41579',
    title: 'a /dev that the image has as a link leads nowhere outside',
    open: ['runc', 'crun'],
    shut(runtime, outside) {
      using box = new Bundle(runtime, withoutDev(plainSpec(['true'])));
      replaceBy(box.at('rootfs/dev'), outside);
      box.create();
      box.call('delete', ['--force', box.id]);
      replaceBy(box.at('rootfs/dev'), `../../../../../../../..${outside}`);
      box.create();
      expect(readdirSync(outside)).toEqual([]);
    },
  },
];

/** A shell at work beside us, until disposed of. */
function running(text: string, ...args: string[]): Disposable {
  const child = spawn('/bin/sh', ['-c', text, 'sh', ...args], { stdio: 'ignore' });
  return { [Symbol.dispose]: () => void child.kill('SIGKILL') };
}

describe.runIf(able).each(runtimes)('$name', (runtime) => {
  let outside = '';
  beforeAll(() => {
    outside = mkdtempSync(join(tmpdir(), 'tare-outside-'));
  });
  afterAll(() => rmSync(outside, { recursive: true, force: true }));

  for (const { cve, title, open = [], racy = [], shut } of holes) {
    if (racy.includes(runtime.name)) continue;
    (open.includes(runtime.name) ? testThatFails : test)(`${cve}: ${title}`, { timeout: 60_000 }, async () => {
      const place = mkdtempSync(join(outside, `${cve}-`));
      await shut(runtime, place);
    });
  }
});
