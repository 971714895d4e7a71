/** tare-guest in a real machine: what a payload is given, sees and leaves, through the channel alone. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encode } from '../../src/launch/encode.ts';
import { cell, ProgramBuilder } from '../../src/launch/program.ts';
import { AT_FDCWD, flags, MS } from '../../src/linux/flags.ts';
import { octal } from '../../src/launch/stage.ts';
import { bootFailure, settleProgram, wakeProgram } from '../../src/vm/guest-program.ts';
import { countOomKills, readGuest } from '../../src/vm/guest-read.ts';
import { exitStatuses } from '../../src/vm/protocol.ts';
import { writeInitramfs } from '../../src/vm/initramfs.ts';
import { bootGuest, type Guest, runIn, startGuest, startIn } from './guest.ts';
import { needs } from './needs.ts';

const able = needs('tool:qemu-system-x86_64', 'tool:mkfs.erofs', 'tool:apt-get');

describe.runIf(able)('one guest, one payload after another', () => {
  let guest: Guest;
  beforeAll(async () => {
    ({ guest } = await bootGuest());
  });
  afterAll(async () => {
    await guest[Symbol.asyncDispose]();
  });

  test('a payload has its arguments, environment, directory, user, name and streams', async () => {
    const command = 'cat; echo $1 $WHO; pwd; id; hostname; echo err >&2';
    const { exit, stdout, stderr, failure } = await runIn(
      guest,
      { args: ['sh', '-c', command, 'sh', 'a b'], env: ['WHO=me'], cwd: '/tmp', hostname: 'box' },
      { input: 'in\n', user: { uid: 1000, gid: 1000, additionalGids: [10] } },
    );
    expect(failure).toBeUndefined();
    expect(exit).toMatchObject({ code: 0, signal: undefined });
    expect(exit.maxRss).toBeGreaterThan(100);
    expect(stdout).toBe('in\na b me\n/tmp\nuid=1000 gid=1000 groups=10\nbox\n');
    expect(stderr).toBe('err\n');
  });

  test('it sees a container: its own root, proc, devices and no more capabilities than it was granted', async () => {
    const look =
      'mount | cut -d" " -f3,5; ls /dev | tr "\\n" " "; grep CapEff /proc/self/status; ls -d /modules /boot.program';
    const { stdout, stderr } = await runIn(guest, look);
    expect(stdout).toMatchInlineSnapshot(`
      "/ overlay
      /proc proc
      /dev tmpfs
      /dev/pts devpts
      /sys sysfs
      /sys/fs/cgroup cgroup2
      /dev/mqueue mqueue
      /dev/shm tmpfs
      /proc/acpi tmpfs
      /proc/interrupts devtmpfs
      /proc/kcore devtmpfs
      /proc/keys devtmpfs
      /proc/timer_list devtmpfs
      /sys/firmware tmpfs
      /proc/bus proc
      /proc/fs proc
      /proc/irq proc
      /proc/sys proc
      /proc/sysrq-trigger proc
      core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero CapEff:	00000000a80425fb
      "
    `);
    expect(stderr).toContain('/modules: No such file');
  });

  test.each([0, 1, 42, 125, 126, 127, 128, 254, 255])('exit code %i is passed on', async (code) => {
    const { exit } = await runIn(guest, `exit ${code}`);
    expect(exit).toMatchObject({ code, signal: undefined });
  });

  test('signals end it, are passed on, and can be caught', async () => {
    expect((await runIn(guest, 'kill -9 $$')).exit).toMatchObject({ code: undefined, signal: 'SIGKILL' });
    const payload = startIn(guest, {
      args: ['sh', '-c', 'trap "echo caught; exit 3" TERM; echo set; while :; do sleep 0.1; done'],
    });
    const output = text(payload.stdout);
    await once(payload.stdout, 'data');
    payload.kill(15);
    expect(await payload.exited).toMatchObject({ code: 3 });
    expect(await output).toMatch('caught');
  });

  test('a megabyte goes in and four come out, byte for byte', async () => {
    const input = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => 97 + (index % 23)));
    const { stdout } = await runIn(guest, 'tee /tmp/x; cat /tmp/x /tmp/x /tmp/x', { input });
    expect(stdout.length).toBe(4 << 20);
    expect(stdout === input.toString().repeat(4)).toBe(true);
  });

  test('input that is not read holds up no signal, and output that is not read holds up no exit', async () => {
    const full = 'dd if=/dev/zero bs=65536 count=1 2>/dev/null; echo full >&2; yes & exec sleep 1000';
    const payload = startIn(guest, { args: ['sh', '-c', full] });
    payload.stdin.on('error', () => {});
    payload.stdin.write(Buffer.alloc(1 << 20));
    await once(payload.stderr, 'data');
    payload.kill(9);
    expect(await payload.exited).toMatchObject({ signal: 'SIGKILL' });
    // The guest takes no other before both have come to their end.
    const [output] = await Promise.all([text(payload.stdout), text(payload.stderr)]);
    expect(output.length).toBeGreaterThanOrEqual(65536);
  });

  test('who reads no more breaks the pipe, on either side', async () => {
    const reader = startIn(guest, { args: ['sh', '-c', 'exec <&-; exec sleep 1000'] });
    const broken = once(reader.stdin, 'error');
    reader.stdin.write(Buffer.alloc(1 << 20));
    expect(await broken).toMatchObject([{ code: 'EPIPE' }]);
    reader.kill(9);
    await Promise.all([reader.exited, text(reader.stdout), text(reader.stderr)]);

    const writer = startIn(guest, { args: ['yes'] });
    await once(writer.stdout, 'data');
    writer.stdout.destroy();
    expect(await writer.exited).toMatchObject({ signal: 'SIGPIPE' });
    await text(writer.stderr);
  });

  test('nobody outlives it, and what they wrote is not lost', async () => {
    const { stdout, exit } = await runIn(guest, 'sleep 1000 & (setsid sleep 1000 &) ; echo done; exit 5');
    expect([stdout, exit.code]).toEqual(['done\n', 5]);
    const { stdout: left } = await runIn(guest, 'ps -o args | grep -c "sleep 1[0]"');
    expect(left).toBe('0\n');
  });

  test('a terminal is one, of the size it was given and is told later', async () => {
    const command = 'trap "stty size; exit 7" WINCH; tty; stty size; while :; do sleep 0.1; done';
    const payload = startIn(guest, {
      args: ['sh', '-c', command],
      terminal: true,
      consoleSize: { width: 71, height: 22 },
    });
    let seen = '';
    payload.stdout.setEncoding('utf8').on('data', (piece: string) => {
      seen += piece;
      if (seen.endsWith('22 71\r\n')) payload.resize(99, 33);
    });
    const ended = once(payload.stdout, 'end');
    payload.stderr.resume();
    expect(await payload.exited).toMatchObject({ code: 7 });
    await ended;
    expect(seen).toBe('/dev/pts/0\r\n22 71\r\n33 99\r\n');
  });

  test('what is typed at a terminal is echoed, edited and interpreted', async () => {
    const payload = startIn(guest, {
      args: ['sh', '-c', 'read line; echo "<$line>"; exec sleep 1000'],
      terminal: true,
    });
    payload.stdin.write('ab\x7fc\n');
    let seen = '';
    let interrupted = false;
    payload.stdout.setEncoding('utf8').on('data', (piece: string) => {
      seen += piece;
      // Once, and not before the line is whole: an interrupt flushes what is still to be written (termios(3), NOFLSH).
      if (interrupted || !seen.includes('<ac>\r\n')) return;
      interrupted = true;
      payload.stdin.write('\x03');
    });
    const ended = once(payload.stdout, 'end');
    payload.stderr.resume();
    expect(await payload.exited).toMatchObject({ signal: 'SIGINT' });
    await ended;
    expect(seen).toMatch(/^ab.*<ac>\r\n\^C/s);
  });

  test('what fails is named by its step: 127 not found, 126 not executable, 125 all else', async () => {
    const ends = async (args: string[], more = {}) => {
      const { failure } = await runIn(guest, { args, ...more });
      return `${failure?.exitCode}: ${failure?.message}`;
    };
    expect([
      await ends(['no-such-thing']),
      await ends(['/etc/passwd']),
      await ends(['/etc']),
      await ends(['true'], { sysctl: { 'fs.mqueue.nothing': '1' } }),
    ]).toMatchInlineSnapshot(`
      [
        "127: execute no-such-thing: ENOENT (hint: no no-such-thing in any directory of PATH)",
        "126: execute /etc/passwd: EACCES (hint: it is a directory, has no execute permission, or lies on a noexec mount)",
        "126: execute /etc: EACCES (hint: it is a directory, has no execute permission, or lies on a noexec mount)",
        "125: set fs.mqueue.nothing to 1: open sys/fs/mqueue/nothing: ENOENT (hint: this kernel has no such setting)",
      ]
    `);
  });

  test('a program of pid 1 that fails is named too, and pid 1 goes on', async () => {
    const b = new ProgramBuilder();
    b.op('make /here', 'mkdirat', [AT_FDCWD, '/here', octal(0o755)]);
    b.op('mount nothing there', 'mount', ['none', '/here', 'nothing', flags(MS, 'NODEV'), 0]);
    await expect(guest.channel.run({ ops: b.ops })).rejects.toThrow(
      'mount nothing there: ENODEV (hint: this kernel does not know the filesystem)',
    );
    expect((await runIn(guest, 'echo still here')).stdout).toBe('still here\n');
  });

  test('memory that runs out kills the payload, not the guest', async () => {
    const before = await countOomKills(guest.channel);
    const { exit } = await runIn(guest, 'exec tail /dev/zero');
    expect(await countOomKills(guest.channel)).toBe(before + 1);
    expect(exit).toMatchObject({ code: undefined, signal: 'SIGKILL' });
    expect(exit.maxRss).toBeGreaterThan(30_000);
    expect((await runIn(guest, 'echo still here')).stdout).toBe('still here\n');
  });

  test('files of the guest are read from outside, while a payload runs', async () => {
    const payload = startIn(guest, { args: ['sleep', '1000'] });
    await payload.executed;
    const texts = await readGuest(guest.channel, ['/proc/cmdline', '/proc/none', '/proc/1/comm']);
    expect([...texts.keys()]).toEqual(['/proc/cmdline', '/proc/1/comm']);
    expect(texts.get('/proc/cmdline')).toContain('console=ttyS0');
    expect(texts.get('/proc/1/comm')).toBe('init\n');
    payload.kill(9);
    await Promise.all([payload.exited, text(payload.stdout), text(payload.stderr)]);
  });

  test('a guest that wakes up is given the time, and randomness of its own', async () => {
    const entropy = Buffer.alloc(32, 7);
    await guest.channel.run(wakeProgram({ time: 1_000_000_000_000_000_000n, entropy }));
    expect(Number((await runIn(guest, 'date +%s')).stdout) - 1_000_000_000).toBeLessThan(60);
    await guest.channel.run(wakeProgram({ time: BigInt(Date.now()) * 1_000_000n, entropy }));
    await guest.channel.run(settleProgram());
  });

  test('without a network there is nobody but itself', async () => {
    const { stdout, stderr } = await runIn(
      guest,
      'ls /sys/class/net; ping -c 1 127.0.0.1 | grep -c ttl; nc 10.0.2.2 80',
    );
    expect(stdout).toBe('lo\n1\n');
    expect(stderr).toContain('Network is unreachable');
  });

  test('each call is stamped by the clock of the guest, and that clock is right', async () => {
    const { stamps, stdout } = await runIn(guest, 'date +%s');
    const walls = stamps.flatMap(({ wall }) => (wall === undefined ? [] : [wall]));
    expect(walls.length).toBeGreaterThan(50);
    expect(walls).toEqual([...walls].sort((one, other) => Number(one - other)));
    expect(Math.abs(Number(stdout) - Date.now() / 1000)).toBeLessThan(60);
  });
});

test.runIf(able)('a guest whose host is gone switches itself off', async () => {
  await using guest = (await bootGuest()).guest;
  startIn(guest, { args: ['sleep', '1000'] });
  guest.socket.destroy();
  expect(await guest.ended).toBe(exitStatuses.alone);
});

test.runIf(able)('a guest that hears nonsense says so and switches itself off', async () => {
  await using guest = (await bootGuest()).guest;
  guest.socket.write(Buffer.from('nonsense'));
  await expect(guest.channel.run({ ops: [] })).rejects.toThrow('understand a frame of the host in the guest: EBADMSG');
  expect(await guest.ended).toBe(exitStatuses.confused);
});

/** An initramfs whose pid 1 finds this in place of its boot program. */
function initramfsWith(dir: string, program: Uint8Array): string {
  const path = join(dir, 'initramfs');
  const init = readFileSync(fileURLToPath(new URL('../../dist/tare-guest', import.meta.url)));
  const archive = writeInitramfs([
    { kind: 'file', path: 'init', mode: 0o755, content: init },
    { kind: 'file', path: 'boot.program', mode: 0o644, content: program },
    { kind: 'directory', path: 'dev', mode: 0o755 },
    { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
  ]);
  writeFileSync(path, archive);
  return path;
}

test.runIf(able)('a guest that cannot boot says by the console at which step, and switches itself off', async () => {
  const b = new ProgramBuilder();
  b.op('make /here', 'mkdirat', [AT_FDCWD, '/here', octal(0o755)]);
  b.op('mount nothing there', 'mount', ['none', '/here', 'nothing', flags(MS, 'NODEV'), 0]);
  const program = { ops: b.ops, report: cell('channel') };
  const boots = [encode(program, { arch: 'x64' }).bytes, Buffer.from('nonsense')];
  const dir = mkdtempSync(join(tmpdir(), 'tare-guest-'));
  const ends: unknown[] = [];
  for (const boot of boots) {
    const { guest } = await startGuest({ initramfs: () => initramfsWith(dir, boot) });
    await using _ = guest;
    ends.push([await guest.ended, bootFailure(guest.console, program)?.message]);
  }
  rmSync(dir, { recursive: true });
  expect(ends).toEqual([
    [exitStatuses.unbooted, 'mount nothing there: ENODEV (hint: this kernel does not know the filesystem)'],
    [exitStatuses.unbooted, 'read the boot program of the guest: EBADMSG'],
  ]);
});

test.runIf(able).each([
  ['microvm', 'virtio'],
  ['q35', 'virtio'],
  ['pc', 'virtio'],
  ['q35', 'emulated'],
  ['pc', 'emulated'],
] as const)(
  'on a %s with %s devices a payload is reached through the channel, and reaches the network',
  async (type, devices) => {
    const server = createServer((socket) => socket.end('hello from the host\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const command = `cat /etc/resolv.conf; nc -w 5 10.0.2.2 ${port}; ip addr show lo | grep -c 127.0.0.1`;
    await using guest = (await bootGuest({ type, devices, network: 'user' })).guest;
    const { stdout, stderr } = await runIn(guest, command);
    server.close();
    expect([stdout, stderr]).toEqual(['nameserver 10.0.2.3\nhello from the host\n1\n', '']);
  },
);
