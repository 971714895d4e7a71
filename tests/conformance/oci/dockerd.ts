/** dockerd in a realm of its own, told of tare-oci by `tare oci install`, with busybox as its only image. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { needs } from '../../kernel/needs.ts';
import { busyboxRoot, type Cgroups, checkout, Realm } from './realm.ts';

/** Whether this machine can start one. */
export const dockerdRuns = needs(
  ...(['root', 'busybox', 'overlay', 'cgroup2'] as const),
  ...(['tool:dockerd', 'tool:containerd', 'tool:ip', 'tool:nsenter'] as const),
);

export interface Dockerd extends AsyncDisposable {
  readonly realm: Realm;
  readonly api: Docker;
}

export async function startDockerd(engine: 'docker' | 'swarm', cgroups: Cgroups = 'v2'): Promise<Dockerd> {
  const realm = new Realm(cgroups);
  const api = new Docker({ socketPath: realm.at('sock') });
  try {
    mkdirSync(realm.at('exec'));
    const install = `${join(checkout, 'bin/tare')} oci install --for ${engine} --default && exec dockerd "$@"`;
    await realm.open(
      ...['sh', '-c', install, 'sh', '--host', `unix://${realm.at('sock')}`],
      ...['--data-root', realm.at('data'), '--exec-root', realm.at('exec'), '--pidfile', realm.at('exec/pid')],
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs'],
    );
    await untilIt('dockerd answers', async () => api.ping().then(Boolean, () => false)).catch((error: Error) => {
      throw new Error(`${error.message}: ${realm.log().slice(-2000)}`);
    });
    await importImage(realm, api);
    return { realm, api, [Symbol.asyncDispose]: () => realm[Symbol.asyncDispose]() };
  } catch (error) {
    await realm[Symbol.asyncDispose]();
    throw error;
  }
}

/** Asks again and again, for thirty seconds at most. */
export async function untilIt(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`it never came that ${what}`);
    await sleep(20);
  }
}

async function importImage(realm: Realm, api: Docker): Promise<void> {
  const archive = realm.at('image.tar');
  spawnSync('tar', ['-C', busyboxRoot, '-cf', archive, '.']);
  await finished(api, await api.importImage(archive, { repo: 'busybox', tag: 'latest' }));
}

/** What dockerd tells of a long work, to its end. @throws what went wrong, as dockerd says it */
export async function finished(api: Docker, stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    api.modem.followProgress(stream, (error: Error | null, lines: { stream?: string; error?: string }[]) => {
      const failed = lines.find((line) => line.error !== undefined)?.error;
      if (error !== null || failed !== undefined) reject(error ?? new Error(failed));
      else resolve(lines.map((line) => line.stream ?? '').join(''));
    });
  });
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `docker run --rm`. */
export async function runIn(
  api: Docker,
  words: readonly string[],
  more: Docker.ContainerCreateOptions = {},
): Promise<Ran> {
  const container = await api.createContainer({ Image: 'busybox', Cmd: [...words], ...more });
  try {
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    const heard = listen(api, stream);
    await container.start();
    const { StatusCode: status } = (await container.wait()) as { StatusCode: number };
    return { status, ...(await heard) };
  } finally {
    await container.remove({ force: true });
  }
}

/** `docker exec`. */
export async function execIn(api: Docker, container: Docker.Container, more: Docker.ExecCreateOptions): Promise<Ran> {
  const exec = await container.exec({ AttachStdout: true, AttachStderr: true, ...more });
  const heard = await listen(api, await exec.start({}));
  const { ExitCode } = await exec.inspect();
  return { status: ExitCode ?? -1, ...heard };
}

async function listen(api: Docker, stream: NodeJS.ReadableStream): Promise<Omit<Ran, 'status'>> {
  const heard = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof heard): Writable =>
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        heard[name] += chunk.toString();
        done();
      },
    });
  api.modem.demuxStream(stream, sink('stdout'), sink('stderr'));
  await new Promise((resolve) => stream.on('end', resolve).on('close', resolve));
  return heard;
}
