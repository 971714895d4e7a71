/** Requests of all sorts, most of them a little wrong: whatever is let through must make a good spec. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requestProblems, specOf } from '../../../src/spec/defaults.ts';
import type { RunRequest } from '../../../src/spec/request.ts';
import { validate } from '../../../src/spec/validate.ts';
import { busybox, host, rootlessHost, told } from './examples.ts';

test('a request that is not refused makes a good spec', () => {
  const anyHost = fc.constantFrom(host, rootlessHost, { ...rootlessHost, subordinate: undefined });
  const choice = fc.constantFrom('new', 'host', { path: '/proc/7/ns/x' });
  const size = fc.constantFrom('1m', '64m', 1024, -1, '-1', '1.5g', 'x');
  const maps = fc.array(fc.record({ containerID: fc.nat(9), hostID: fc.nat(9), size: fc.nat(5) }), { maxLength: 2 });
  const mount = fc.record({
    type: fc.constantFrom('bind', 'tmpfs'),
    source: fc.option(fc.constant('/srv'), { nil: undefined }),
    target: fc.constantFrom('/a', '/a/b', '/dev', '/proc', '/', 'x'),
    options: fc.subarray(['ro', 'rro', 'bind', 'rbind', 'rslave', 'idmap', 'ridmap', 'tmpcopyup', 'size=1m', 'noexce']),
  });
  const capabilities = fc.subarray(['all', 'kill', 'CAP_NET_ADMIN', 'nothing']);
  const kinds = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'];
  const fields: Record<string, fc.Arbitrary<unknown>> = {
    args: fc.array(fc.constantFrom('sh', ''), { maxLength: 2 }),
    entrypoint: fc.array(fc.constantFrom('sh', ''), { maxLength: 1 }),
    env: fc.array(fc.constantFrom('A=1', 'B', '=x', 'A=')),
    cwd: fc.constantFrom('/', 'tmp'),
    umask: fc.integer({ min: -1, max: 600 }),
    hostname: fc.constantFrom('box', '', 'x'.repeat(65)),
    domainname: fc.constant('example.org'),
    mounts: fc.array(mount, { maxLength: 3 }),
    readOnly: fc.boolean(),
    upper: fc.constant('/keep'),
    limits: fc.record(
      {
        memory: size,
        memorySwap: size,
        memoryReservation: size,
        memoryHigh: size,
        cpus: fc.constantFrom(0.001, 0.01, 1.5, 64),
        cpuWeight: fc.constantFrom(0, 1, 10_000),
        cpuBurst: fc.constantFrom(0, 1000, 200_000),
        cpuIdle: fc.boolean(),
        pids: fc.constantFrom(-2, -1, 0, 100),
        unified: fc.constantFrom({ 'memory.oom.group': '1' }, { '../x': '1' }),
      },
      { requiredKeys: [] },
    ),
    ulimits: fc.array(
      fc.record({ name: fc.constantFrom('core', 'nofile'), soft: fc.nat(2), hard: fc.constantFrom(1, 'unlimited') }),
      { maxLength: 2 },
    ),
    oomScoreAdj: fc.integer({ min: -1001, max: 1001 }),
    namespaces: fc.record(Object.fromEntries(kinds.map((kind) => [kind, choice])), { requiredKeys: [] }),
    uidMappings: maps,
    gidMappings: maps,
    timeOffsets: fc.record({ monotonic: fc.integer(), boottime: fc.integer() }, { requiredKeys: [] }),
    sysctl: fc.constantFrom({ 'net.a': '1' }, { 'kernel.sem': '1' }, { 'vm.x': '1' }, { 'user.x': '1' }),
    capAdd: capabilities,
    capDrop: capabilities,
    privileged: fc.boolean(),
    terminal: fc.boolean(),
  };
  const request = fc
    .shuffledSubarray(Object.keys(fields), { maxLength: 4 })
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, fields[name] ?? fc.constant(1)]))));
  let accepted = 0;
  fc.assert(
    fc.property(request, anyHost, (asked, facts) => {
      const whole = { image: 'busybox', ...asked } as RunRequest;
      if (requestProblems(whole, busybox, facts).length > 0) return;
      accepted += 1;
      expect(told(validate(specOf(whole, busybox, facts)))).toBe('');
    }),
    { numRuns: 1000 },
  );
  expect(accepted).toBeGreaterThan(100);
});

test('a field that is undefined is a field that is left out', () => {
  const limits = { memory: undefined, pids: 5 };
  const request = {
    image: 'busybox',
    args: ['true'],
    cwd: undefined,
    user: undefined,
    namespaces: { pid: undefined },
    limits,
  };
  expect(requestProblems(request, busybox, host)).toEqual([]);
});
