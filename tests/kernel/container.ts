/** What tests of containers share: payloads, places that go with the test, and one way to look inside. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished } from 'vitest';
import { Container } from '../../src/container/container.ts';
import { Engine } from '../../src/container/engine.ts';
import type { Exit } from '../../src/container/exit.ts';
import { prepare } from '../../src/container/prepare.ts';
import type { CreateOptions } from '../../src/container/run.ts';
import { openStreams } from '../../src/container/stdio.ts';
import { run } from '../../src/index.ts';
import { compile } from '../../src/launch/compile.ts';
import { type MountEntry, parseMountinfo } from '../../src/linux/proc.ts';
import type { MountRequest } from '../../src/spec/request.ts';
import type { RootSource } from '../../src/spec/root-source.ts';
import type { Spec } from '../../src/spec/spec.ts';

const root = join(import.meta.dirname, '../..');

/**
 * That a directory of a layer was replaced, overlayfs notes in a user namespace in a `user.` attribute, which a tmpfs, such as
 * the writable layer, has since Linux 6.6; on an earlier one such a directory cannot be removed: EIO.
 */
const [major = 0, minor = 0] = release().split('.').map(Number);
export const tmpfsHasAttributes = major > 6 || (major === 6 && minor >= 6);

/** The path of fixtures/programs/NAME.c, compiled: static, so that it runs below any root. */
export function program(name: string): string {
  const source = join(root, 'fixtures/programs', `${name}.c`);
  const built = join(root, 'native/build/programs', name);
  const made = statSync(built, { throwIfNoEntry: false });
  if (made !== undefined && made.mtimeMs > statSync(source).mtimeMs) return built;
  mkdirSync(join(built, '..'), { recursive: true });
  const strict = ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-O1', '-static'];
  const { status, stderr } = spawnSync('gcc', [...strict, '-o', built, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`compile ${source}: ${stderr}`);
  return built;
}

/** Where `probe` lies in the container, and the mount that puts it there. */
export const probeMount = (): MountRequest => bind(program('probe'), '/probe', 'ro');

/** A bind mount with its options. */
export const bind = (source: string, target: string, ...options: string[]): MountRequest => ({
  type: 'bind',
  source,
  target,
  options,
});

/** Runs to the end with pipes; whatever it complains of fails the test. */
async function finish(options: Partial<CreateOptions>): Promise<Exit & { stdout: string }> {
  const {
    stdout = '',
    stderr,
    ...exit
  } = await run({ image: 'busybox', stdio: ['ignore', 'pipe', 'pipe'], ...options });
  expect(stderr).toBe('');
  expect(exit.exitCode).toBe(0);
  return { ...exit, stdout };
}

/** What a shell script says from inside, less the last newline. */
export async function inside(script: string, options: Partial<CreateOptions> = {}): Promise<string> {
  return (await finish({ ...options, args: ['sh', '-c', script] })).stdout.trimEnd();
}

/** What fixtures/programs/probe.c finds out inside. */
export async function probeInside(verb: string, options: Partial<CreateOptions> = {}): Promise<Probed> {
  const mounts = [...(options.mounts ?? []), probeMount()];
  return JSON.parse((await finish({ ...options, mounts, args: ['/probe', verb] })).stdout) as Probed;
}

/** The same on the host: the contrast. */
export function probeOutside(verb: string): Probed {
  return JSON.parse(spawnSync(program('probe'), [verb], { encoding: 'utf8' }).stdout) as Probed;
}

export type Probed = Record<string, number | string | number[]>;

/** The mounts that the container sees, by their mount point; the topmost where several are stacked. */
export async function mountsInside(options: Partial<CreateOptions>): Promise<Map<string, MountEntry>> {
  const text = await inside('cat /proc/self/mountinfo', options);
  return new Map(parseMountinfo(text).map((entry) => [entry.mountPoint, entry]));
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'tare-test-'));
  chmodSync(path, 0o755);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const applets =
  'sh cat cp echo grep id ln ls mkdir mknod mount mv readlink rm rmdir sed sleep stat touch true umount head wc dd tr';

/** A small root of its own: busybox and the directories that mounts need. */
export function smallRoot(path: string): string {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys']) mkdirSync(join(path, name), { recursive: true });
  mkdirSync(join(path, 'tmp'));
  chmodSync(join(path, 'tmp'), 0o1777);
  copyFileSync(join(root, 'dist/images/busybox/rootfs/bin/busybox'), join(path, 'bin/busybox'));
  for (const applet of applets.split(' ')) symlinkSync('busybox', join(path, 'bin', applet));
  return path;
}

/** An OCI bundle: fixtures/bundles/plain with the test's changes, and a root of its own. The image's name. */
export function bundle(change: (spec: Spec) => Spec = (spec) => spec, at = temporaryDirectory()): string {
  const plain = JSON.parse(readFileSync(join(root, 'fixtures/bundles/plain/config.json'), 'utf8')) as Spec;
  smallRoot(join(at, 'rootfs'));
  writeFileSync(join(at, 'config.json'), JSON.stringify(change(plain)));
  return `oci:${at}`;
}

/** Runs a script below these layers, topmost first, with busybox's as the last: images of today have one. */
export async function insideLayers(script: string, layers: readonly string[], upper?: string): Promise<string> {
  const engine = new Engine();
  const request = { image: 'busybox', args: ['sh', '-c', script] };
  const how = { payloadFds: 3, waitForStart: false, dieWithParent: true };
  const { encoded: _, ...prepared } = await prepare(engine, request, how);
  const { image, spec } = prepared;
  const [busybox = ''] = image.root.kind === 'overlay' ? image.root.lower : [];
  const { arch, lastCapability, ignoredSignals, rootless } = engine.host;
  const host = { arch, lastCapability, ignoredSignals, rootless, scratch: engine.scratch, paths: engine.maskKinds };
  const source: RootSource = {
    kind: 'overlay',
    lower: [...layers, busybox],
    ...(upper === undefined ? {} : { upper }),
  };
  const launch = compile(spec, { ...how, ...host, root: source, setgroups: true, idMapped: new Map(), init: false });
  const streams = openStreams(['ignore', 'pipe', 'pipe'], engine.spawner, engine.nullFd);
  const container = new Container(engine, { ...prepared, launch }, streams, []);
  const [stdout, stderr] = await Promise.all([container.stdout!, container.stderr!].map(text));
  expect(await container.exited).toMatchObject({ exitCode: 0 });
  expect(stderr).toBe('');
  return stdout!.trimEnd();
}
