import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runFlags } from '../../../src/cli/flags.ts';
import { parseRun } from '../../../src/cli/parse-run.ts';
import { TareError } from '../../../src/errors.ts';
import { capabilityNames } from '../../../src/spec/capability-names.ts';
import type { MountRequest, RunRequest } from '../../../src/spec/request.ts';
import { argvOf } from './argv-of.ts';

const context = { cwd: '/here', env: { HOME: '/root' } };

const id = fc.integer({ min: 0, max: 2 ** 31 });
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const key = fc.stringMatching(/^[a-z][a-z0-9._]{0,20}$/);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const mebibytes = (min: number, max: number) => fc.integer({ min, max }).map((number) => `${number}m`);
const idList = fc.constantFrom('0', '0-2,7', '1,3');
const choice = fc.oneof(
  fc.constantFrom('new' as const, 'host' as const),
  path.map((at) => ({ path: at })),
);
const idMap = fc.record({ containerID: id, hostID: id, size: fc.integer({ min: 1, max: 65536 }) });
const map = fc.dictionary(key, fc.string(), { minKeys: 1, maxKeys: 3, noNullPrototype: true });
const some = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: 1, maxLength: 3 });
const capability = fc.constantFrom('ALL', ...capabilityNames.map((full) => full.slice('CAP_'.length)));

const words = (list: string) => list.split(',');
const mount: fc.Arbitrary<MountRequest> = fc.oneof(
  fc.record({
    type: fc.constant('bind' as const),
    source: path,
    target: path,
    options: fc.constantFrom('rbind', 'bind,ro', 'rbind,rro,nosuid', 'rbind,rslave').map(words),
  }),
  fc.record({
    type: fc.constant('tmpfs' as const),
    target: path,
    options: fc.constantFrom('size=64m', 'noexec,mode=700').map(words),
  }),
);

const limits = fc.record(
  {
    memory: mebibytes(512, 1024),
    memorySwap: fc.oneof(fc.constant('-1'), mebibytes(1024, 2048)),
    memoryReservation: mebibytes(1, 512),
    cpus: fc.integer({ min: 1, max: 6400 }).map((hundredths) => hundredths / 100),
    cpuWeight: fc.integer({ min: 1, max: 10000 }),
    cpusetCpus: idList,
    cpusetMems: idList,
    pids: fc.oneof(fc.constant(-1), fc.integer({ min: 1 })),
    ioWeight: fc.integer({ min: 1, max: 10000 }),
    unified: map,
  },
  { requiredKeys: ['memory'] },
);

const ulimit = fc
  .tuple(fc.constantFrom('nofile', 'core', 'stack'), fc.nat(), fc.option(fc.nat(), { nil: 'unlimited' as const }))
  .map(([of, soft, more]) => ({ name: of, soft, hard: more === 'unlimited' ? more : soft + more }));

/** Every field that a flag can fill, free of contradictions. */
const request: fc.Arbitrary<RunRequest> = fc
  .record(
    {
      image: fc.string({ minLength: 1 }),
      args: fc.array(fc.string(), { minLength: 1 }),
      entrypoint: fc.array(fc.string()),
      name,
      env: some(fc.tuple(key, fc.string()).map(([variable, value]) => `${variable}=${value}`)),
      cwd: path,
      user: fc.oneof(
        name,
        fc.tuple(id, id).map(([uid, gid]) => `${uid}:${gid}`),
      ),
      groupAdd: some(name),
      umask: fc.integer({ min: 0, max: 0o777 }),
      hostname: name,
      domainname: name,
      mounts: fc.uniqueArray(mount, { minLength: 1, maxLength: 3, selector: ({ target }) => target }),
      devices: some(fc.record({ source: path, target: path, permissions: fc.constantFrom('rwm', 'r', 'rw') })),
      readOnly: fc.boolean(),
      upper: path,
      limits,
      ulimits: fc.uniqueArray(ulimit, { minLength: 1, selector: (of) => of.name }),
      oomScoreAdj: fc.integer({ min: -1000, max: 1000 }),
      namespaces: fc
        .record({ pid: choice, network: choice, ipc: choice, cgroup: choice }, { requiredKeys: [] })
        .filter((kinds) => Object.keys(kinds).length > 0),
      uidMappings: some(idMap),
      gidMappings: some(idMap),
      timeOffsets: fc.record({ monotonic: fc.integer(), boottime: fc.integer() }),
      sysctl: map,
      annotations: map,
      capAdd: some(capability),
      privileged: fc.boolean(),
      noNewPrivileges: fc.boolean(),
      seccomp: fc.oneof(fc.constantFrom('unconfined', 'default'), path),
      apparmor: name,
      selinux: fc.constant('system_u:system_r:container_t:s0:c1,c2'),
      systemPaths: fc.constant('unconfined' as const),
      init: fc.boolean(),
      terminal: fc.boolean(),
    },
    { requiredKeys: ['image'] },
  )
  .filter(({ readOnly, upper }) => readOnly !== true || upper === undefined);

test('request → argv → request is the identity', () => {
  fc.assert(
    fc.property(request, (asked) => {
      expect(parseRun(argvOf(asked), context).request).toEqual(asked);
    }),
    { numRuns: 300 },
  );
});

test('the command after the image is passed verbatim, whatever it is', () => {
  fc.assert(
    fc.property(request, fc.array(fc.string()), (asked, command) => {
      const { args } = parseRun([...argvOf({ ...asked, args: [] }), ...command], context).request;
      expect(args ?? []).toEqual(command);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.string()), (command) => {
      fc.pre(command[0] !== '--');
      expect(parseRun(['-it', 'busybox', ...command], context).request.args ?? []).toEqual(command);
    }),
  );
});

/** Words that resemble flags and their values, for garbage that gets past the first check. */
const spelling = fc.constantFrom(
  ...runFlags.flatMap(({ flags }) => flags.map((flag) => `--${flag.name}`)),
  ...runFlags.flatMap(({ flags }) => flags.flatMap((flag) => (flag.short === undefined ? [] : [`-${flag.short}`]))),
);
const scrap = fc.constantFrom(
  'type=bind',
  'constructor',
  '__proto__',
  'a=b',
  ':',
  '/',
  ',',
  '"',
  '=',
  '-1',
  '0:0:1',
  'ns:',
);
const word = fc.oneof(
  fc.string({ unit: 'binary' }),
  spelling,
  scrap,
  fc
    .tuple(spelling, fc.constantFrom('', '='), fc.array(fc.oneof(scrap, fc.string())))
    .map(([a, b, c]) => a + b + c.join('')),
);

test('garbage is refused with a TareError and nothing else', () => {
  fc.assert(
    fc.property(fc.array(word), (argv) => {
      try {
        parseRun(argv, context);
      } catch (error) {
        expect(error).toBeInstanceOf(TareError);
        expect(error).toMatchObject({ exitCode: 125 });
      }
    }),
    { numRuns: 2000 },
  );
});
