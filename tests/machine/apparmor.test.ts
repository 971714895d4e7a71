import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { inside, temporaryDirectory } from '../kernel/container.ts';
import { needs } from '../kernel/needs.ts';

const able = needs('root', 'overlay', 'apparmor', 'tool:apparmor_parser');

/** Everything but the file of users; for the time of the test. */
function loadProfile(name: string, flags: string): void {
  const file = join(temporaryDirectory(), name);
  const rules = ['file', 'mount', 'umount', 'capability', 'network', 'signal', 'ptrace', 'unix', 'deny /etc/passwd rw'];
  const text = `profile ${name} flags=(attach_disconnected${flags}) {\n${rules.map((rule) => `  ${rule},\n`).join('')}}\n`;
  writeFileSync(file, text);
  const parser = (verb: string): void => {
    const { status, stderr } = spawnSync('/sbin/apparmor_parser', [verb, '--skip-cache', file], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  };
  parser('--replace');
  onTestFinished(() => parser('--remove'));
}

const look = 'cat /proc/self/attr/current; head -n 1 /etc/passwd 2>&1; echo > /etc/other && echo other';

test.runIf(able)('a profile confines the container that asks for it', async () => {
  loadProfile('tare-test-strict', '');
  expect((await inside(look, { apparmor: 'tare-test-strict' })).split('\n')).toEqual([
    'tare-test-strict (enforce)',
    'head: /etc/passwd: Permission denied',
    'other',
  ]);
  // The contrast: no other container.
  expect((await inside(look)).split('\n')).toEqual(['unconfined', 'root:x:0:0:root:/root:/bin/sh', 'other']);
});

test.runIf(able)('a profile that complains only is asked as well', async () => {
  loadProfile('tare-test-lenient', ',complain');
  expect(await inside('cat /proc/self/attr/current', { apparmor: 'tare-test-lenient' })).toBe(
    'tare-test-lenient (complain)',
  );
});

test.runIf(able)('a profile that is not loaded is missed before anything runs', async () => {
  await expect(inside('true', { apparmor: 'tare-test-unknown' })).rejects.toThrow(/tare-test-unknown/);
});
