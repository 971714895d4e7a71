/** Containers of docker: create, attach, start, wait, remove, a request each. */
import { Writable } from 'node:stream';
import type Docker from 'dockerode';
import { TareError } from '../errors.ts';
import type { Daemon } from './daemon.ts';
import { startDockerd } from './dockerd.ts';
import { groupOf } from './groups.ts';
import { imageName } from './image-archive.ts';
import { places, volumeOf } from './storage.ts';
import type { Held, Job, Peer, Run, Site, Steps } from './types/backend.ts';

/** Bytes of standard output and of standard error that are kept. */
const most = 65_536;

export async function openDocker(job: Job, site: Site): Promise<Peer> {
  const { api, daemon } = await startDockerd(job, site);
  return new DockerPeer(api, daemon, job, site);
}

/** What a container writes, and when that began. */
interface Streams {
  output: string;
  errors: string;
  readonly firstByte: Promise<bigint | undefined>;
  /** Standard input's end. */
  end(): void;
}

class DockerPeer implements Peer {
  readonly #api: Docker;
  readonly #daemon: Daemon;
  readonly #job: Job;
  readonly #site: Site;
  readonly #calledOff: () => void;

  constructor(api: Docker, daemon: Daemon, job: Job, site: Site) {
    this.#api = api;
    this.#daemon = daemon;
    this.#job = job;
    this.#site = site;
    this.#calledOff = () => daemon.kill();
    site.signal.addEventListener('abort', this.#calledOff, { once: true });
  }

  async run(count: number): Promise<readonly Run[]> {
    return Promise.all(Array.from({ length: count }, async () => this.#runOne()));
  }

  async #runOne(): Promise<Run> {
    const requested = process.hrtime.bigint();
    const container = await this.#create(false);
    const streams = await attach(this.#api, container, false);
    await this.#start(container);
    const exited = await this.#awaitEnd(container, streams);
    await container.remove();
    const gone = await this.#daemon.withoutShim(container.id);
    const firstByte = await streams.firstByte;
    return { requested, ...(firstByte === undefined ? {} : { firstByte }), exited, gone, output: streams.output };
  }

  async hold(): Promise<Held> {
    const requested = process.hrtime.bigint();
    const container = await this.#create(true);
    const streams = await attach(this.#api, container, true);
    await this.#start(container);
    const firstByte = await streams.firstByte;
    const release = async (): Promise<void> => {
      streams.end();
      await this.#awaitEnd(container, streams);
      await container.remove();
      await this.#daemon.withoutShim(container.id);
    };
    if (firstByte !== undefined) return { requested, firstByte, release };
    await release();
    throw new TareError('hold docker', { hint: 'it ended at once' });
  }

  processes(): ReturnType<NonNullable<Peer['processes']>> {
    return this.#daemon.processes(this.#job);
  }

  async runInSteps(): Promise<Steps> {
    const requested = process.hrtime.bigint();
    const container = await this.#create(false);
    const created = process.hrtime.bigint();
    await this.#start(container);
    const started = process.hrtime.bigint();
    await container.wait();
    const exited = process.hrtime.bigint();
    await container.remove();
    const gone = await this.#daemon.withoutShim(container.id);
    return { create: Number(created - requested), start: Number(started - created), delete: Number(gone - exited) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#site.signal.removeEventListener('abort', this.#calledOff);
    await this.#daemon[Symbol.asyncDispose]();
  }

  async #create(held: boolean): Promise<Docker.Container> {
    this.#site.signal.throwIfAborted();
    // Its type knows no CgroupnsMode, of version 1.41 of the API.
    const hostConfig = {
      NetworkMode: this.#job.network === 'own' ? 'none' : 'host',
      CgroupnsMode: 'private',
      ...(this.#job.storage === 'volume' ? { Binds: [`${volumeOf(this.#site)}:${places.volume}`] } : {}),
      CgroupParent: `/${groupOf(this.#site)}`,
    };
    return this.#api.createContainer({
      Image: imageName(this.#job),
      Cmd: [...this.#job.payload],
      Hostname: 'tare-weigh',
      AttachStdin: held,
      OpenStdin: held,
      StdinOnce: held,
      HostConfig: hostConfig,
    });
  }

  /** @throws TareError with docker's own words; the container is no more */
  async #start(container: Docker.Container): Promise<void> {
    try {
      await container.start();
    } catch (cause) {
      this.#site.signal.throwIfAborted();
      await container.remove({ force: true });
      throw new TareError(`run docker: ${(cause as Error).message}`, { cause });
    }
  }

  /** @throws TareError where it failed; the container is no more */
  async #awaitEnd(container: Docker.Container, streams: Streams): Promise<bigint> {
    const { StatusCode: status } = (await container.wait()) as { StatusCode: number };
    const exited = process.hrtime.bigint();
    if (status === 0) return exited;
    await container.remove();
    const said = streams.errors.trim();
    throw new TareError(`run docker: ${said === '' ? '' : `${said} `}(exit code ${status})`);
  }
}

/** One connection carries all streams, in frames of a header of 8 bytes: the API's "attach to a container". */
async function attach(api: Docker, container: Docker.Container, held: boolean): Promise<Streams> {
  const stream = await container.attach({ stream: true, stdin: held, stdout: true, stderr: true, hijack: held });
  let heard: (time: bigint | undefined) => void = () => undefined;
  const firstByte = new Promise<bigint | undefined>((resolve) => {
    heard = resolve;
  });
  const streams: Streams = { output: '', errors: '', firstByte, end: () => stream.end() };
  const stdout = sink((text) => {
    heard(process.hrtime.bigint()); // the first time counts
    streams.output = (streams.output + text).slice(0, most);
  });
  const stderr = sink((text) => {
    streams.errors = (streams.errors + text).slice(0, most);
  });
  api.modem.demuxStream(stream, stdout, stderr);
  stream.on('error', () => heard(undefined)).on('close', () => heard(undefined));
  stream.on('end', () => heard(undefined));
  return streams;
}

const sink = (take: (text: string) => void): Writable =>
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk.toString());
      done();
    },
  });
