/** `tare explain --diff` as a command: what it counts is what `tare explain` prints, and its exit code is diff(1)'s. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { needs } from './needs.ts';

const tare = join(import.meta.dirname, '../../bin/tare');

const explain = (...words: string[]) => spawnSync(tare, ['explain', ...words], { encoding: 'utf8' });

test.runIf(needs('overlay', 'busybox'))('two starts are compared call by call; made-up names are no difference', () => {
  const same = explain('--diff', 'busybox true', '--cap-add NET_RAW busybox true');
  expect(same.stdout + same.stderr).toMatch(/^\d+ calls are the same, 0 only the first makes, 0 only the second\n$/);
  expect(same.status).toBe(0);

  const { status, stdout } = explain('--hostname', 'box', '--json', '--diff', 'busybox', '--network host busybox');
  expect(status).toBe(1);
  const { changes } = JSON.parse(stdout) as { changes: { side: string; index: number; call: string }[] };
  const gone = changes.find(({ call }) => call === 'unshare(CLONE_NEWNET)');
  expect(gone?.side).toBe('one');
  expect(explain('--hostname', 'box', 'busybox').stdout).toMatch(
    new RegExp(`^ +${gone?.index} {2}unshare\\(CLONE_NEWNET\\)`, 'm'),
  );
});
