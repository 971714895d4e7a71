/** A real guest under TCG, spoken to through its channel alone: QEMU started by hand, for tests of what runs inside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { TareError } from '../../src/errors.ts';
import type { RunRequest } from '../../src/spec/request.ts';
import type { ResolvedUser } from '../../src/spec/spec-facts.ts';
import { Channel, type GuestReady } from '../../src/vm/channel.ts';
import { makeDisk } from '../../src/vm/disk.ts';
import { guestDevices } from '../../src/vm/guest-devices.ts';
import { type GuestFiles, guestFiles } from '../../src/vm/guest-files.ts';
import { compilePayload, type PayloadFacts } from '../../src/vm/guest-payload.ts';
import type { GuestExit, GuestProcess } from '../../src/vm/guest-process.ts';
import { lastCapabilityOf, type WorldProgram, worldProgram } from '../../src/vm/guest-program.ts';
import { findKernel } from '../../src/vm/kernel.ts';
import type { Machine, MachineType } from '../../src/vm/machine.ts';
import { argvOf, planMachine } from '../../src/vm/machine-plan.ts';

const busybox = fileURLToPath(new URL('../../dist/images/busybox/rootfs', import.meta.url));

export interface GuestOptions extends Partial<Pick<Machine, 'devices' | 'shares'>> {
  readonly network?: 'none' | 'user';
  readonly type?: MachineType;
  /** More that the world program loads. */
  readonly modules?: readonly string[];
  /** What lies in the initramfs in place of what is built. */
  readonly initramfs?: (files: GuestFiles) => string;
}

/** A machine whose pid 1 runs, or has given up. */
export class Guest implements AsyncDisposable {
  readonly channel: Channel;
  readonly socket: Duplex;
  readonly ended: Promise<number | null>;
  /** Of its kernel, once its world program has run. */
  lastCapability = -1;
  readonly network: 'none' | 'user';
  readonly #qemu: ChildProcess;
  readonly #limit: NodeJS.Timeout;
  #console = '';

  constructor(qemu: ChildProcess, files: GuestFiles, network: 'none' | 'user') {
    this.network = network;
    this.#qemu = qemu;
    this.#limit = setTimeout(() => qemu.kill('SIGKILL'), 120_000);
    this.ended = new Promise((resolve) => qemu.on('exit', resolve));
    for (const stream of [qemu.stdout, qemu.stderr])
      stream?.setEncoding('utf8').on('data', (piece: string) => (this.#console += piece));
    this.socket = qemu.stdio[3] as Duplex;
    this.channel = new Channel(this.socket, { arch: 'x64', boot: files.boot });
  }

  /** What the machine has printed. */
  get console(): string {
    return this.#console;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#limit);
    this.#qemu.kill('SIGKILL');
    await this.ended;
  }
}

export interface StartedGuest {
  readonly guest: Guest;
  /** To be run once it has booted. */
  readonly world: WorldProgram;
}

/** Starts QEMU; the guest may not have booted yet. */
export async function startGuest(options: GuestOptions = {}): Promise<StartedGuest> {
  const { type = 'microvm', devices: model = 'virtio', network = 'none', shares = [], initramfs } = options;
  // Only the full kernel has drivers of real hardware.
  const kernel = await findKernel({ flavour: model === 'virtio' ? 'cloud' : 'full' });
  const disk = await makeDisk(busybox);
  const known = guestDevices({ type, devices: model, network }, { format: disk.format, shares: shares.length > 0 });
  const devices = { ...known, late: [...known.late, ...(options.modules ?? [])] };
  const files = await guestFiles(kernel, devices, { arch: 'x64' });
  const megahertz = Number(/^cpu MHz\s*: (\S+)/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]);
  const machine: Machine = {
    name: 'tare-test',
    accelerator: 'tcg',
    type,
    devices: model,
    cpus: 1,
    memory: 160 * 2 ** 20,
    kernel: kernel.vmlinux ?? '',
    initramfs: initramfs?.(files) ?? files.path,
    disks: [{ path: disk.path, readOnly: true }],
    network,
    shares,
    channel: 3,
    monitor: 4,
    trimmed: true,
    tscKhz: Math.round(megahertz * 1000),
  };
  const qemu = spawn('qemu-system-x86_64', argvOf(planMachine(machine)), {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const world = worldProgram({
    modules: files.modules,
    disk: { node: devices.disk, format: disk.format },
    volumes: shares.length > 0,
    network,
    time: BigInt(Date.now()) * 1_000_000n,
  });
  return { guest: new Guest(qemu, files, network), world };
}

/** Starts QEMU and waits until payloads can be run. */
export async function bootGuest(options: GuestOptions = {}): Promise<{ guest: Guest; ready: GuestReady }> {
  const { guest, world } = await startGuest(options);
  const ready = await guest.channel.ready.catch(async (cause: unknown) => {
    await guest[Symbol.asyncDispose]();
    throw new Error(`the guest has not booted: ${guest.console}`, { cause });
  });
  const { returned } = await guest.channel.run(world.program);
  guest.lastCapability = lastCapabilityOf(world, returned);
  return { guest, ready };
}

const root: ResolvedUser = { uid: 0, gid: 0, additionalGids: [] };

export interface PayloadOptions {
  readonly user?: ResolvedUser;
  readonly volumes?: PayloadFacts['volumes'];
}

export function startIn(
  { channel, lastCapability, network }: Guest,
  request: Partial<RunRequest>,
  options: PayloadOptions = {},
): GuestProcess {
  const { user = root, volumes = new Map() } = options;
  const facts = { id: 'test', arch: 'x64', lastCapability, user, volumes, network } as const;
  const { launch } = compilePayload({ image: 'busybox', ...request }, {}, facts);
  return channel.start(launch.program, { cloneFlags: launch.cloneFlags, trace: true });
}

export interface Outcome {
  readonly exit: GuestExit;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it was not executed. */
  readonly failure: TareError | undefined;
  readonly stamps: GuestProcess['stamps'];
}

/** Runs a command to its end. */
export async function runIn(
  guest: Guest,
  request: Partial<RunRequest> | string,
  { input = '', ...options }: PayloadOptions & { input?: string | Buffer } = {},
): Promise<Outcome> {
  const payload = startIn(guest, typeof request === 'string' ? { args: ['sh', '-c', request] } : request, options);
  payload.stdin.on('error', () => {}); // it need not read it
  payload.stdin.end(input);
  const [stdout, stderr, exit, failure] = await Promise.all([
    text(payload.stdout),
    text(payload.stderr),
    payload.exited,
    payload.executed.then(
      () => undefined,
      (error: unknown) => error as TareError,
    ),
  ]);
  return { exit, stdout, stderr, failure, stamps: payload.stamps };
}
