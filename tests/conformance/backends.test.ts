/** Every backend keeps the promises of src/weigh/types/backend.ts. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { run as runContainer } from '../../src/container/run.ts';
import { builtFile } from '../../src/linux/native.ts';
import { readMountinfo } from '../../src/linux/proc.ts';
import { backends } from '../../src/weigh/backends.ts';
import { outside, PrivateLink, ports } from '../../src/weigh/link.ts';
import { commandLineOf } from '../../src/weigh/processes.ts';
import type { Job, Peer, Site } from '../../src/weigh/types/backend.ts';
import { changes, type HostState, observeHost, warmUp } from '../kernel/host-state.ts';
import { needs } from '../kernel/needs.ts';

const able = needs('root', 'overlay', 'busybox', 'cgroup2');
const engine = new Engine();
const root = builtFile('images/weigh/rootfs');
const tools = builtFile('images/weigh-tools/rootfs');
/** What the tests of a link need of the image: those who listen. */
const linked = needs('tool:iperf3', 'tool:ip');
const namespaceFiles: Readonly<Record<string, string>> = { mount: 'mnt', network: 'net' };

const directory = mkdtempSync(join(tmpdir(), 'tare-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

function siteOf(name: string, signal = new AbortController().signal): Site {
  const [own, disk] = [join(directory, name), join(directory, `${name}-disk`)];
  for (const path of [own, disk]) mkdirSync(path, { recursive: true });
  return { directory: own, disk, engine, tare: '0.0.0', signal };
}

const ready = await Promise.all(
  backends.map(async (backend) => ({ backend, found: able ? await backend.probe(siteOf(backend.name)) : undefined })),
);
const curable = ready.flatMap(({ found }) =>
  found !== undefined && 'missing' in found ? (found.missing.cure ?? []) : [],
);
const missing = ready.flatMap(({ backend, found }) =>
  found !== undefined && 'missing' in found ? [`${backend.name}: ${found.missing.reason}`] : [],
);
if (missing.length > 0) process.stdout.write(`not held to anything: ${missing.join('; ')}\n`);
if (process.env.TARE_MUST_RUN === '1') test('every peer that can be installed is', () => expect(curable).toEqual([]));
/** Also what others than tare make: their groups in whichever hierarchy, and what they keep where the system keeps such. */
function observe(): HostState {
  const hierarchies = readMountinfo().filter(({ type }) => type.startsWith('cgroup'));
  const groups = hierarchies.flatMap(({ mountPoint }) => entriesOf(mountPoint));
  return {
    ...observeHost(engine),
    'group of a peer': groups.filter((path) => /weigh|lxc|docker|containerd|libpod|payload|supervisor/.test(path)),
    // It is the same for all: who puts a file there and takes it away again has changed what others remember of it.
    'image of all': ['.', ...directoriesIn(root)].map(
      (name) => `${name} ${statSync(join(root, name), { bigint: true }).ctimeNs}`,
    ),
    'state of a peer': ['/run', '/var/lib', '/var/run/containers', '/etc', '/dev/shm'].flatMap(entriesOf),
  };
}

/** A device program is loaded once per process, and stays: that of a jail with a tap is another than all others'. */
const loadJudgeOfTaps = async (): Promise<unknown> =>
  runContainer(engine, {
    image: 'busybox',
    args: ['true'],
    stdio: 'ignore',
    devices: [{ source: '/dev/net/tun', target: '/dev/net/tun', permissions: 'rw' }],
  });

const directoriesIn = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);

const entriesOf = (path: string): string[] =>
  existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [];

const present = ready.flatMap(({ backend, found }) => (found !== undefined && 'version' in found ? [backend] : []));

test('names are unique, and a missing backend says why', () => {
  expect(new Set(backends.map(({ name }) => name)).size).toBe(backends.length);
  for (const { found } of ready)
    if (found !== undefined && 'missing' in found) expect(found.missing.reason).not.toBe('');
});

test('who has a kernel of its own says who executes it, and by which name it may be asked for', () => {
  for (const { backend, found } of ready) {
    if (found === undefined || 'missing' in found) continue;
    const { name, traits, groups = [] } = backend;
    expect([name, found.accelerator !== undefined]).toEqual([name, traits.kernel === 'own']);
    for (const group of groups.filter((one) => one.startsWith('qemu-')))
      expect([name, found.accelerator]).toEqual([name, group]);
  }
});

describe.runIf(able).each(present)('$name', ({ name, traits, offers, ...backend }) => {
  let before: HostState = {};
  beforeAll(async () => {
    await warmUp(engine);
    if (linked && 'through' in offers.link && traits.kernel === 'own') await loadJudgeOfTaps();
    before = observe();
  });
  afterAll(() => expect(changes(before, observe())).toEqual([]));

  const open = async (payload: Job['payload'], more: Partial<Job> = {}, signal?: AbortSignal): Promise<Peer> => {
    const peer = await backend.open({ root, payload, network: 'own', ...more }, siteOf(name, signal));
    onTestFinished(async () => peer[Symbol.asyncDispose]());
    return peer;
  };

  test('runs a payload, tells what it wrote, and when it was what', async () => {
    const peer = await open(['/bin/payload', 'byte']);
    const [run] = await peer.run(1);
    const { requested, firstByte = 0n, exited, gone, output } = run!;
    const times = [requested, firstByte, exited, gone];
    expect(times).toEqual(times.toSorted((a, b) => Number(a - b)));
    expect(output).toBe('\n');
  });

  test('runs several at once, each with times of its own', async () => {
    const peer = await open(['/bin/payload', 'byte']);
    const runs = await peer.run(5);
    expect(runs).toHaveLength(5);
    const lastRequest = runs.map(({ requested }) => requested).reduce((a, b) => (a > b ? a : b));
    expect(runs.every(({ gone }) => gone > lastRequest)).toBe(true);
  });

  test('does not take a failure for a sample, and hands on what was said', async () => {
    const script = 'echo out of sorts >&2; exit 3';
    const failure = backend
      .open({ root, payload: ['/bin/sh', '-c', script], network: 'own' }, siteOf(name))
      .then(async (peer) => {
        onTestFinished(async () => peer[Symbol.asyncDispose]());
        return peer.run(1);
      });
    await expect(failure).rejects.toThrow(/out of sorts.*exit code 3/s);
  });

  test('a program that is not there is a failure too', async () => {
    const failure = backend.open({ root, payload: ['/no/such'], network: 'own' }, siteOf(name)).then(async (peer) => {
      onTestFinished(async () => peer[Symbol.asyncDispose]());
      return peer.run(1);
    });
    await expect(failure).rejects.toThrow(/\S/);
  });

  test('holds an instance until it is released', async () => {
    const peer = await open(['/bin/payload', 'idle']);
    const held = await peer.hold?.();
    const { payload = [], helpers = [] } = peer.processes?.() ?? {};
    // What runs in a kernel of its own is none of the host's processes, but something of the host's runs it.
    if (traits.kernel === 'own') expect(helpers.length).toBeGreaterThan(0);
    else expect(payload.map((pid) => commandLineOf(pid).at(-1))).toEqual(['idle']);
    await held?.release();
    expect(peer.processes?.().payload).toEqual([]);
    if (traits.kernel === 'own') expect(peer.processes?.().helpers).toEqual([]);
  });

  test.runIf(traits.namespaces.length > 0)('has the namespaces that it says, and shares none of them', async () => {
    const files = traits.namespaces.map((kind) => namespaceFiles[kind] ?? kind);
    const peer = await open(['/bin/sh', '-c', files.map((file) => `readlink /proc/self/ns/${file}`).join('; ')]);
    const [run] = await peer.run(1);
    const own = files.map((file) => readlinkSync(`/proc/self/ns/${file}`));
    const theirs = run?.output.trim().split('\n') ?? [];
    expect(theirs).toHaveLength(own.length);
    expect(theirs.filter((link, index) => link === own[index])).toEqual([]);
  });

  test.runIf(traits.namespaces.length > 0)('shares the host’s network where it is asked to', async () => {
    const peer = await open(['/bin/readlink', '/proc/self/ns/net'], { network: 'host' });
    const [run] = await peer.run(1);
    expect(run?.output.trim()).toBe(readlinkSync('/proc/self/ns/net'));
  });

  test.runIf('through' in offers.volume)('keeps what is written to a volume, past the end of an instance', async () => {
    const peer = await open(['/bin/sh', '-c', 'cat /mnt/kept 2> /dev/null; echo kept > /mnt/kept'], {
      storage: 'volume',
    });
    await peer.run(1);
    const [second] = await peer.run(1);
    expect(second?.output).toBe('kept\n');
  });

  test.runIf('through' in offers.root)('writes to a root that does not lie in memory', async () => {
    const script = 'echo kept > /var/tmp/file && stat -f -c %T /var/tmp';
    const peer = await open(['/bin/sh', '-c', script], { storage: 'root' });
    const [run] = await peer.run(1);
    expect(run?.output).toMatch(/^(?!tmpfs|ramfs)\S+\n$/);
  });

  test.runIf('through' in offers.link && linked)('reaches whoever listens outside, and is reached', async () => {
    await using link = await PrivateLink.open(tools);
    const job = { root: tools, network: link } as const;
    const caller = await open(['/bin/payload', 'ping', outside, `${ports.echo}`, '20'], job);
    const [run] = await caller.run(1);
    expect(run?.output).toMatch(/^p50 \d+\np99 \d+\n$/);
    await caller[Symbol.asyncDispose]();

    const server = ['/bin/busybox', 'httpd', '-f', '-p', '8080', '-h', '/etc'];
    const peer = await open(['/bin/payload', 'attend', '8080', ...server], job);
    const { answered } = await link.ask(peer.address ?? link.address, 8080);
    const held = await peer.hold?.();
    expect(await answered).toBeGreaterThan(held?.requested ?? 0n);
    await held?.release();
  });

  test('takes its steps apart, if it has some', async () => {
    const peer = await open(['/bin/payload', 'byte']);
    const steps = await peer.runInSteps?.();
    expect(Object.values(steps ?? { none: 1 }).every((step) => step > 0)).toBe(true);
  });

  test('ends what is under way when it is called off', async () => {
    const controller = new AbortController();
    const peer = await open(['/bin/payload', 'idle'], {}, controller.signal);
    const held = await peer.hold?.();
    const [pid] = peer.processes?.().payload ?? [];
    controller.abort(new Error('called off'));
    await held?.release().catch(() => undefined);
    await peer[Symbol.asyncDispose]();
    expect(commandLineOf(pid ?? -1)).toEqual([]);
  });
});
