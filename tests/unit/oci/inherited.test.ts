import { expect, test } from 'vitest';
import { inheritedEnvironment, withFileLimit, withListenFds } from '../../../src/oci/inherited.ts';

const process = { args: ['true'], cwd: '/', user: { uid: 0, gid: 0 } };

test("a process has its caller's limit on files, unless the document sets one or nobody has told", () => {
  expect(withFileLimit(process, '1024:4096').rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 }]);
  const rlimits = [{ type: 'RLIMIT_NOFILE' as const, soft: 1, hard: 2 }];
  expect(withFileLimit({ ...process, rlimits }, '1024:4096').rlimits).toEqual(rlimits);
  expect(withFileLimit(process, undefined)).toEqual(process);
  expect(withFileLimit(process, '18446744073709551615:18446744073709551615')).toEqual(process);
});

test('sockets of a service manager are told of by its variables, for pid 1', () => {
  const env = ['PATH=/bin', 'LISTEN_PID=4711'];
  expect(withListenFds({ ...process, env }, 2).env).toEqual(['PATH=/bin', 'LISTEN_FDS=2', 'LISTEN_PID=1']);
  expect(withListenFds({ ...process, env }, 0).env).toEqual(env);
});

test('a hook does not see what the front end tells Node', () => {
  expect(inheritedEnvironment({ PATH: '/bin', TARE_OCI_NOFILE: '1:1' })).toEqual(['PATH=/bin']);
});
