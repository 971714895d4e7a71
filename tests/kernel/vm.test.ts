/** `tare run --isolation vm` as its users see it: through a shell's pipes, and from the library. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { explain, run, snapshot, start } from '../../src/index.ts';
import { removeSnapshot } from '../../src/vm/snapshot.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox', 'tool:qemu-system-x86_64', 'tool:mkfs.erofs');
const tare = join(import.meta.dirname, '../../bin/tare');
const name = `test-${process.pid}`;
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

beforeAll(async () => {
  if (able) await snapshot(name, { image: 'busybox', vm: { accelerator: 'tcg' } });
});
afterAll(async () => {
  if (able) await removeSnapshot(name);
});

/** Through a shell, with `tare` and `$vm` there. */
const shell = (script: string): string => {
  const env = { ...process.env, tare, vm: `--isolation vm --from-snapshot ${name}` };
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { env, encoding: 'utf8', timeout: 200_000 });
  return `${stdout}${stderr}`;
};

test.runIf(able)('all output arrives, however slowly it is read', () => {
  expect(shell('$tare run $vm busybox head -c 3000000 /dev/zero | (sleep 2; wc -c)')).toBe('3000000\n');
  expect(shell('$tare explain --isolation vm --accel tcg --json busybox true | (sleep 1; tail -c 2)')).toBe('}\n');
});

test.runIf(able)('who stops reading ends the command, as in any pipe', () => {
  expect(shell('$tare run $vm busybox yes | head -n 1; echo ${PIPESTATUS[0]}')).toBe('y\n141\n');
});

test.runIf(able)('input comes through a pipe with -i, and is none without', () => {
  expect(shell('seq 1 100000 | $tare run -i $vm busybox md5sum; seq 1 100000 | md5sum')).toMatch(/^(.* {2}-\n)\1$/);
  expect(shell('echo x | $tare run $vm busybox wc -c')).toBe('0\n');
});

test.runIf(able)('a snapshot is listed, and taken up by many at once', () => {
  expect(shell('$tare vm list')).toMatch(new RegExp(`^NAME .*\\n(.*\\n)*${name} +busybox +microvm, tcg +256 MiB`));
  const three = 'for n in 1 2 3; do $tare run $vm busybox echo $n & done; wait';
  expect(shell(three).split('\n').sort().join(' ').trim()).toBe('1 2 3');
});

test.runIf(able)('guests of one snapshot know the time, and draw other random numbers', async () => {
  const draw = async () => {
    const args = ['sh', '-c', 'date +%s; head -c 16 /dev/urandom | od -An -tx1'];
    const { stdout = '' } = await run({
      image: 'busybox',
      args,
      isolation: 'vm',
      stdio: 'pipe',
      vm: { fromSnapshot: name },
    });
    return stdout.split('\n');
  };
  const [[time, one], [, other]] = [await draw(), await draw()];
  expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(60);
  expect(one).not.toBe(other);
});

test.runIf(able)('what is written to a volume is on the host at the end; other files are not', async () => {
  const place = mkdtempSync(join(tmpdir(), 'tare-test-'));
  try {
    writeFileSync(join(place, 'in'), 'of the host');
    const mounts = [{ type: 'bind' as const, source: place, target: '/v', options: [] }];
    const args = ['sh', '-c', 'head -c 5000000 /dev/zero > /v/out; cat /v/in; echo x > /lost'];
    const exit = await run({
      image: 'busybox',
      args,
      mounts,
      isolation: 'vm',
      stdio: 'pipe',
      vm: { accelerator: 'tcg' },
    });
    expect(exit).toMatchObject({ exitCode: 0, stdout: 'of the host' });
    expect(statSync(join(place, 'out')).size).toBe(5_000_000);
  } finally {
    rmSync(place, { recursive: true });
  }
});

test.runIf(able)('QEMU is a user of its own without capabilities, and sees none of the host', async () => {
  await using vm = await start({
    image: 'busybox',
    args: ['cat'],
    isolation: 'vm',
    name: `jail-${process.pid}`,
    vm: { fromSnapshot: name },
  });
  const find = `pid=$(grep -l 'jail-${process.pid},process=tare-vm' /proc/[0-9]*/cmdline 2>/dev/null | grep -v self | head -n 1 | cut -d/ -f3)`;
  const seen = shell(
    `${find}; grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/$pid/status; ls /proc/$pid/root; ls /proc/$pid/root/etc`,
  );
  expect(seen).toMatch(/^Uid:\t(6[1-5]\d{3}\t?){4}$/m);
  expect(seen).toMatch(/^CapEff:\t0{16}\nCapBnd:\t0{16}\nNoNewPrivs:\t1\nSeccomp:\t2$/m);
  expect(seen.split('Seccomp:\t2\n')[1]?.split('\n')).not.toContain('root');
  expect(seen).not.toMatch(/^passwd$/m);
  vm.stdin?.end();
  expect(await vm.exited).toMatchObject({ exitCode: 0 });
});

test.runIf(able)('explain names each option, each parameter and each call with its reason', async () => {
  const text = await explain({ image: 'busybox', args: ['true'], isolation: 'vm', vm: { accelerator: 'tcg' } });
  for (const part of [
    /-nodefaults +only what is on this list/,
    /quiet +print warnings only/,
    /mount the image/,
    /execve/,
  ])
    expect(text).toMatch(part);
});

test.runIf(able)('trace puts QEMU, firmware and kernel before the calls, on one axis', () => {
  const text = shell('$tare trace --isolation vm --accel tcg busybox true; $tare trace $vm busybox true');
  for (const row of [
    'request',
    'qemu',
    'firmware',
    'kernel',
    'boot drivers',
    'world image',
    'payload mounts',
    'resume',
    'wake clock',
  ])
    expect(text).toMatch(new RegExp(`^${row} `, 'm'));
});
