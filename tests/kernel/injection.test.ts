/**
 * Every step of every kind of container, made to fail: the error names the step, and the host is as before.
 *
 * A traced run tells which steps a container makes at all; each of those is then refused by the kernel, in turn.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { prepare } from '../../src/container/prepare.ts';
import { create, type CreateOptions, launch, run } from '../../src/container/run.ts';
import { compileCgroup } from '../../src/launch/cgroup.ts';
import { failAt } from '../../src/launch/inject.ts';
import type { Op } from '../../src/launch/program.ts';
import { bundle, temporaryDirectory } from './container.ts';
import { FaultyNative } from './faulty-native.ts';
import { changes, observeHost, warmUp } from './host-state.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox');
const engine = new Engine();

interface Variant extends Partial<CreateOptions> {
  readonly waitForStart?: boolean;
}

const request = ({ waitForStart: _, ...more }: Variant): CreateOptions => ({
  image: 'busybox',
  args: ['true'],
  name: `tare-test-${process.pid}`,
  ...more,
});

const how = ({ waitForStart = false }: Variant) => ({ waitForStart, stdio: 'ignore' as const });

/** The steps that a run makes, by index. `halt` is none: the kernel does not hear of it, so it cannot refuse. */
async function stepsOf(variant: Variant): Promise<[index: number, why: string][]> {
  const container = await launch(engine, request(variant), { ...how(variant), trace: true });
  if (variant.waitForStart === true) await container.start();
  expect(await container.exited).toMatchObject({ exitCode: 0 });
  container.terminal?.destroy();
  return container.timeline.ops
    .filter(({ index, skipped, syscall }) => index >= 0 && !skipped && syscall !== 'halt')
    .map(({ index, why }) => [index, why]);
}

/** How the run in which this step fails is not as it should be. */
async function deviations(variant: Variant, index: number, why: string): Promise<string[]> {
  const before = observeHost(engine);
  const said = await launch(engine, request(variant), {
    ...how(variant),
    change: (program) => failAt(program, index),
  }).then(
    async (container) => {
      const start = variant.waitForStart === true ? container.start() : container.executed();
      const message = await start.then(
        () => 'it started',
        (error: Error) => error.message,
      );
      const end = await container.exited.then(
        (exit) => `it ended with ${exit.exitCode}`,
        (error: Error) => error.message,
      );
      await container[Symbol.asyncDispose]();
      return message === end ? message : `${message}, then ${end}`;
    },
    (error: Error) => error.message,
  );
  const after = changes(before, observeHost(engine));
  return [...(said.startsWith(`${why}: E`) && !said.includes(', then ') ? [] : [`said ${said}`]), ...after].map(
    (line) => `${index} ${why}: ${line}`,
  );
}

async function allDeviations(variant: Variant): Promise<string[]> {
  const found: string[] = [];
  for (const [index, why] of await stepsOf(variant)) found.push(...(await deviations(variant, index, why)));
  return found;
}

const wholeMap = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

/** Of controllers that either version of cgroups may hold. */
const limited = { memory: '64m', cpusetCpus: '0', pids: 50 };

const variants: Record<string, Variant> = {
  'the default container': {},
  'a created container': { waitForStart: true },
  'a container with a terminal': { terminal: true, consoleSize: { width: 80, height: 24 }, user: '1000' },
  'a container with a user namespace': { uidMappings: wholeMap, gidMappings: wholeMap },
  "a container of this machine's own root": { image: 'host' },
  'a container with an init of its own': { init: true },
  'a container for a user without new privileges': { user: '1000:1000', noNewPrivileges: true },
  'a container that may do nothing more': { capDrop: ['ALL'], noNewPrivileges: true, seccomp: 'unconfined' },
  'a privileged container': { privileged: true },
  'a container with clocks, settings and limits of its own': {
    timeOffsets: { monotonic: 3600, boottime: -1 },
    sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.shm_rmid_forced': '1' },
    ulimits: [{ name: 'nofile', soft: 64, hard: 128 }],
    oomScoreAdj: 100,
    hostname: 'web',
    domainname: 'example',
    cwd: '/made/on/the/way',
    umask: 0o77,
  },
  'a read-only container with volumes': {
    readOnly: true,
    mounts: [
      { type: 'bind', source: '/usr', target: '/mnt', options: ['rbind', 'ro', 'nosuid', 'rprivate'] },
      { type: 'bind', source: '/etc/hostname', target: '/etc/name', options: ['rro'] },
      { type: 'tmpfs', target: '/etc', options: ['size=1m', 'tmpcopyup'] },
      { type: 'tmpfs', target: '/deep/down', options: ['size=1m', 'noexec', 'rslave'] },
    ],
    devices: [{ source: '/dev/zero', target: '/dev/nothing', permissions: 'rw' }],
  },
  ...(able && needs('limit:memory', 'limit:cpuset', 'limit:pids')
    ? { 'a container whose cgroups have limits': { limits: limited } }
    : {}),
  "a container in the host's namespaces": {
    namespaces: { pid: 'host', network: 'host', ipc: 'host', uts: 'host', cgroup: 'host' },
  },
};

for (const [title, variant] of Object.entries(variants)) {
  test.runIf(able)(`each step of ${title} fails by its name and leaves nothing`, async () => {
    expect(await allDeviations(variant)).toEqual([]);
  });
}

test.runIf(able)('each step of a container with a kept layer fails by its name and leaves nothing', async () => {
  expect(await allDeviations({ upper: temporaryDirectory() })).toEqual([]);
});

test.runIf(able)('each step of a container in namespaces of another fails by its name and leaves nothing', async () => {
  await using other = await create(engine, { image: 'busybox', args: ['true'], stdio: 'ignore' });
  const path = (kind: string) => ({ path: `/proc/${other.pid}/ns/${kind}` });
  const joined = { pid: path('pid'), network: path('net'), ipc: path('ipc'), uts: path('uts') };
  expect(await allDeviations({ namespaces: joined })).toEqual([]);
});

test.runIf(able)(
  'each step of a container in the user namespace of another fails by its name and leaves nothing',
  async () => {
    await using other = await create(engine, {
      image: 'busybox',
      args: ['true'],
      stdio: 'ignore',
      uidMappings: wholeMap,
      gidMappings: wholeMap,
    });
    const user = { path: `/proc/${other.pid}/ns/user` };
    expect(await allDeviations({ namespaces: { user } })).toEqual([]);
  },
);

test.runIf(able)('each step of a bundle fails by its name and leaves nothing', async () => {
  const image = bundle((spec) => ({ ...spec, linux: { ...spec.linux, rootfsPropagation: 'slave' } }));
  expect(await allDeviations({ image })).toEqual([]);
});

/** A profile that asks a listener about uname(2), which `true` does not call. */
function notifyProfile(directory: string): string {
  const listenerPath = join(directory, 'listener');
  const syscalls = [{ names: ['uname'], action: 'SCMP_ACT_NOTIFY' }];
  const profile = join(directory, 'profile.json');
  writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', listenerPath, syscalls }));
  return profile;
}

test.runIf(able)('each step of a container with a seccomp listener fails by its name and leaves nothing', async () => {
  const directory = temporaryDirectory();
  const seccomp = notifyProfile(directory);
  const program =
    'require("node:net").createServer((peer) => peer.resume()).listen(process.argv[1], () => console.log())';
  const listener = spawn(process.execPath, ['--eval', program, join(directory, 'listener')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    listener.kill();
    await once(listener, 'close');
  });
  await once(listener.stdout, 'data');
  expect(await allDeviations({ seccomp })).toEqual([]);
});

const faulty = new FaultyNative();
const faultyEngine = new Engine(faulty);

beforeAll(async () => {
  if (!able) return;
  for (const each of [engine, faultyEngine]) await warmUp(each);
});

/** What is said when a container is started and run to its end, and what that leaves on the host. */
async function startOn(where: Engine, options: Partial<CreateOptions>): Promise<{ said: string; left: string[] }> {
  const before = observeHost(engine);
  const said = await run(where, { ...request({}), stdio: 'pipe', ...options }).then(
    ({ exitCode }) => `it ended with ${exitCode}`,
    (error: Error) => error.message,
  );
  return { said, left: changes(before, observeHost(engine)) };
}

test.runIf(able)('each step of the bootstrap fails by its name and leaves nothing', async () => {
  await startOn(faultyEngine, {});
  const results = new Set<string>();
  for (let call = 0; call < faulty.seen.bootstrap; call += 1) {
    faulty.failBootstrap(call);
    const { said, left } = await startOn(faultyEngine, {});
    results.add([said, ...left].join('; '));
  }
  expect([...results]).toMatchInlineSnapshot(`
    [
      "move a file descriptor out of the way: EBADF",
      "put file descriptor 0 in place: EBADF",
      "put file descriptor 1 in place: EBADF",
      "put file descriptor 2 in place: EBADF",
      "put file descriptor 3 in place: EBADF",
      "put file descriptor 4 in place: EBADF",
      "let nothing else of the parent reach the program: EBADF",
      "execute tare-init: EBADF",
    ]
  `);
});

const withLimits = able && needs('limit:memory', 'limit:cpuset', 'limit:pids');

test
  .runIf(able && needs('cgroup2'))
  .each([['without limits', {}], ...(withLimits ? [['with limits', { limits: limited }]] : [])] as [
    string,
    Partial<CreateOptions>,
  ][])('each step towards its cgroups, %s, fails by its name and leaves nothing', async (_, asked) => {
  await startOn(faultyEngine, asked);
  const options = { payloadFds: 3, waitForStart: false, dieWithParent: true };
  const { cgroup } = await prepare(faultyEngine, request(asked), options);
  if (cgroup === undefined) throw new Error('this container would have no cgroup');
  const { ops } = compileCgroup(cgroup, { owner: faultyEngine.owner }).program;
  const found: string[] = [];
  for (const [index, { why }] of ops.entries()) {
    if (isSkipped(ops, index)) continue;
    forgetJudges();
    faulty.seen.runs = [];
    await startOn(faultyEngine, asked);
    forgetJudges();
    faulty.failRun(faulty.seen.runs.indexOf(ops.length), index);
    const { said, left } = await startOn(faultyEngine, asked);
    if (!said.startsWith(`${why}: EBADF`)) found.push(`${index} ${why}: said ${said}`);
    found.push(...left.map((line) => `${index} ${why}: ${line}`));
  }
  expect(found).toEqual([]);
});

/** What a new group would be given, for one that is there. */
const isSkipped = (ops: readonly Op[], index: number): boolean =>
  ops.some(
    ({ call, args, skip = 0 }, at) =>
      call === 'mkdirat' && index > at && index <= at + skip && typeof args[1] === 'string' && existsSync(args[1]),
  );

/** So that the program which judges access to devices is loaded anew. */
function forgetJudges(): void {
  for (const fd of faultyEngine.deviceJudges.values()) closeSync(fd);
  faultyEngine.deviceJudges.clear();
}

test.runIf(able)('streams that cannot be made leave nothing', async () => {
  await startOn(faultyEngine, {});
  faulty.seen.runs = [];
  await startOn(faultyEngine, {});
  const first = faulty.seen.runs.findIndex((calls, index) => calls === 1 && faulty.seen.runs[index + 1] === 1);
  for (const pipe of [0, 1, 2]) {
    faulty.failRun(first + pipe, 0);
    expect(await startOn(faultyEngine, {})).toEqual({ said: 'make a pipe: EBADF', left: [] });
  }
});

test.runIf(able)('a seccomp listener that nobody takes ends the container', async () => {
  const directory = temporaryDirectory();
  const { said, left } = await startOn(engine, { seccomp: notifyProfile(directory) });
  expect(said.replace(directory, 'DIRECTORY')).toMatchInlineSnapshot(
    `"failed to connect with seccomp agent: hand the seccomp listener to DIRECTORY/listener: connect: ENOENT (hint: no such socket)"`,
  );
  expect(left).toEqual([]);
});

test.runIf(able)('an id-mapped mount that the kernel refuses leaves nothing', async () => {
  const options = ['bind', 'idmap'];
  expect(
    await startOn(engine, {
      uidMappings: wholeMap,
      gidMappings: wholeMap,
      mounts: [{ type: 'bind', source: '/proc', target: '/mnt', options }],
    }),
  ).toMatchInlineSnapshot(`
    {
      "left": [],
      "said": "map the ids of /proc for /mnt: EINVAL (hint: its filesystem does not support id-mapped mounts)",
    }
  `);
});
