import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { run } from '../../../src/index.ts';
import { parseStatus } from '../../../src/linux/proc.ts';
import type { Seccomp } from '../../../src/spec/spec.ts';
import { bundle, inside, probeInside, program, temporaryDirectory } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');

const filtersOf = (status: string) => {
  const { seccomp, seccompFilters } = parseStatus(status);
  return [seccomp, seccompFilters];
};

test.runIf(able)('its system calls are filtered unless it is unconfined', async () => {
  const look = 'exec cat /proc/self/status';
  expect(filtersOf(await inside(look))).toEqual(['filter', 1]);
  expect(filtersOf(await inside(look, { noNewPrivileges: true, user: '1000' }))).toEqual(['filter', 1]);
  expect(filtersOf(await inside(look, { seccomp: 'unconfined' }))).toEqual(['disabled', 0]);
  expect(filtersOf(await inside(look, { privileged: true }))).toEqual(['disabled', 0]);
});

test.runIf(able)('what the default filter withholds fails as the kernel would have it fail', async () => {
  const allowed = { getpid: 'ok', mkdirat: 'ok' };
  const withheld = { keyctl: 'EPERM', unshare: 'EPERM', clone3: 'ENOSYS', uselib: 'ENOSYS', unknown: 'ENOSYS' };
  expect(await probeInside('calls')).toMatchObject({ ...allowed, ...withheld });
  // The contrast: the kernel itself would let them through.
  const unconfined = { keyctl: 'ENOKEY', unshare: 'ok', clone3: 'EINVAL' };
  expect(await probeInside('calls', { seccomp: 'unconfined' })).toMatchObject({ ...allowed, ...unconfined });
});

test.runIf(able)('a capability opens what belongs to it', async () => {
  expect(await probeInside('calls', { capAdd: ['SYS_ADMIN'] })).toMatchObject({ unshare: 'ok', keyctl: 'ENOKEY' });
});

const profile: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [
    { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
    { names: ['keyctl'], action: 'SCMP_ACT_ERRNO' },
  ],
};

test.runIf(able)("a profile of one's own decides alone, in the form of Docker and of the OCI", async () => {
  const path = join(temporaryDirectory(), 'profile.json');
  const expected = { mkdirat: 'ENOSPC', keyctl: 'EPERM', unshare: 'ok' };
  writeFileSync(path, JSON.stringify(profile));
  expect(await probeInside('calls', { seccomp: path })).toMatchObject(expected);
  const archMap = [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }];
  const rule = { names: ['unshare'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, excludes: { caps: ['CAP_SYS_ADMIN'] } };
  writeFileSync(path, JSON.stringify({ ...profile, archMap, syscalls: [...profile.syscalls!, rule] }));
  expect(await probeInside('calls', { seccomp: path })).toMatchObject({ ...expected, unshare: 'EPERM' });
  const admin = { seccomp: path, capAdd: ['SYS_ADMIN'] };
  expect(await probeInside('calls', admin)).toMatchObject(expected);
});

const filtered = (seccomp: Seccomp, noNewPrivileges: boolean): string =>
  bundle((spec) => ({
    ...spec,
    process: { ...spec.process, noNewPrivileges },
    linux: { ...spec.linux, seccomp },
  }));

for (const noNewPrivileges of [true, false]) {
  const how = noNewPrivileges ? 'without new privileges' : 'with CAP_SYS_ADMIN';

  test.runIf(able)(`the filter of a bundle is loaded ${how}`, async () => {
    const image = filtered(profile, noNewPrivileges);
    expect(await inside('mkdir /tmp/new 2>&1; rmdir /tmp && echo removed', { image })).toBe(
      "mkdir: can't create directory '/tmp/new': No space left on device\nremoved",
    );
  });

  test.runIf(able)(`a filter loaded ${how} may kill`, async () => {
    const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_KILL_PROCESS' as const }];
    const image = filtered({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }, noNewPrivileges);
    const exit = await run({ image, args: ['mkdir', '/tmp/new'], stdio: 'ignore' });
    expect(exit).toMatchObject({ exitCode: 128 + 31, code: undefined, signal: 'SIGSYS' });
  });

  test.runIf(able)(`a filter loaded ${how} asks whoever listens, and the answer holds`, async () => {
    const listenerPath = join(temporaryDirectory(), 'socket');
    const listener = spawn(program('seccomp-listener'), [listenerPath], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface(listener.stdout)[Symbol.asyncIterator]();
    const next = async () => (await lines.next()).value as string;
    expect(await next()).toBe('ready');
    const ended = once(listener, 'exit');
    const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' as const }];
    const asking = { defaultAction: 'SCMP_ACT_ALLOW' as const, listenerPath, listenerMetadata: 'for me', syscalls };
    const image = filtered(asking, noNewPrivileges);
    const request = { image, name: 'tare-test-asking', annotations: { purpose: 'test' } };
    expect(await inside('mkdir /tmp/new 2>&1; true', request)).toMatch(/Invalid cross-device link/);
    const state = JSON.parse(await next()) as { pid: number };
    expect(state).toMatchObject({
      ociVersion: '1.3.0',
      fds: ['seccompFd'],
      metadata: 'for me',
      state: {
        ociVersion: '1.3.0',
        id: 'tare-test-asking',
        status: 'creating',
        pid: state.pid,
        bundle: image.slice('oci:'.length),
        annotations: { purpose: 'test' },
      },
    });
    expect(Number(await next())).toBeGreaterThan(0);
    expect(await ended).toEqual([0, null]);
  });
}

test.runIf(able)('a filter that asks where nobody listens keeps the payload from starting', async () => {
  const syscalls = [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' as const }];
  const listenerPath = join(temporaryDirectory(), 'nobody');
  const asking = filtered({ defaultAction: 'SCMP_ACT_ALLOW', listenerPath, syscalls }, true);
  await expect(inside('echo ran', { image: asking })).rejects.toThrow(/connect: ENOENT/);
});
