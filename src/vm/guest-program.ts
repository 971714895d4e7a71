/**
 * What the guest's pid 1 runs, as launch programs. Pure.
 *
 *     boot program    out of the initramfs: only what it takes to hear the host
 *     world program   over the channel: drivers, the image, the volumes, and a root that can be left
 *
 * The payload's own program comes from launch/compile.ts: vm/guest-payload.ts.
 */
import { TareError } from '../errors.ts';
import { describeFailure } from '../launch/failure.ts';
import { raiseInterface } from '../launch/namespaces.ts';
import { type Arg, type Cell, data, type Program, ProgramBuilder } from '../launch/program.ts';
import { octal } from '../launch/stage.ts';
import { AT_FDCWD, CLOCK, flags, IOCTL, MS, O, TERMIOS } from '../linux/flags.ts';
import type { DiskFormat } from './disk.ts';
import { configureNetwork } from './guest-network.ts';
import { volumesTag } from './volume-program.ts';
import type { GuestDevices } from './guest-devices.ts';
import { type ReadCells, readFile, textOf } from './guest-read.ts';
import type { Returned } from './returned.ts';

/** Where the initramfs has the modules. */
export const moduleDirectory = '/modules';
/** Where the image is mounted, in the guest. */
export const imageDirectory = '/image';
/** Where a volume is found, in the guest: vm/volume-program.ts numbers them. */
export const volumeDirectory = (index: number): string => `/volumes/${index}`;
/** Where a disk to write to is mounted, in the guest. */
export const dataDirectory = '/data';
/** What a payload's /etc/resolv.conf is, where the machine has a network. */
export const resolvConf = '/resolv.conf';
/** What a payload's mount namespace covers with the layer that takes its writes. */
export const scratchDirectory = '/scratch';

/** How often a device is looked for, and how long in between, in microseconds: 10 s in all. */
const [patience, pause] = [20_000, 500];

/** @param modules names, each after those it needs */
export function bootProgram(modules: readonly string[], { channel }: Pick<GuestDevices, 'channel'>): Program {
  const b = new ProgramBuilder();
  b.stage('devices');
  b.op('let the kernel make the nodes of devices', 'mount', ['devtmpfs', '/dev', 'devtmpfs', 0, 0]);
  b.stage('drivers');
  loadModules(b, modules);
  b.stage('channel');
  return { report: openChannel(b, channel), ops: b.ops };
}

/**
 * Why a guest could not boot, from what it has printed; undefined where pid 1 has said nothing of it.
 *
 * @param console what the machine has printed: `tare-guest: op 3: errno 2`
 */
export function bootFailure(console: string, boot: Program): TareError | undefined {
  const [, op, error] = /^tare-guest: op (\d+): errno (\d+)\r?$/m.exec(console) ?? [];
  if (op !== undefined) return describeFailure(boot, Number(op), Number(error));
  if (!/^tare-guest: no boot program\r?$/m.test(console)) return undefined;
  return new TareError('read the boot program of the guest', { errno: 'EBADMSG' });
}

/** The driver makes the port when the host has told it of one, some moments after it was loaded; and its node before itself. */
function openChannel(b: ProgramBuilder, { node, serial }: GuestDevices['channel']): Cell {
  waitFor(b, 'the channel to the host', node, 'the machine has no such port, or no driver has found it');
  const open = [AT_FDCWD, node, flags(O, 'RDWR', 'NOCTTY', 'CLOEXEC'), 0];
  const channel = b.result('channel', 'open the channel to the host', 'openat', open, {
    retry: { on: 'ENXIO', times: patience, pause },
  });
  if (serial) makeRaw(b, channel);
  return channel;
}

/** `struct termios` of the kernel: four words of flags, the line discipline, and 19 control characters. */
function makeRaw(b: ProgramBuilder, line: Cell): void {
  const control = flags(TERMIOS, 'B115200', 'CS8', 'CREAD', 'CLOCAL');
  const raw = data(`{c_cflag: ${control.text}}`, [
    { u32: 0 },
    { u32: 0 },
    { u32: control },
    { u32: 0 },
    { bytes: new Uint8Array(20) },
  ]);
  b.op('let every byte pass it as it is', 'ioctl', [line, flags(IOCTL, 'TCSETS'), raw]);
}

function waitFor(b: ProgramBuilder, what: string, node: string, missing: string): void {
  b.op(`wait for ${what}`, 'faccessat2', [AT_FDCWD, node, 0, 0], {
    retry: { on: 'ENOENT', times: patience, pause },
    hints: { ENOENT: missing },
  });
}

function loadModules(b: ProgramBuilder, modules: readonly string[]): void {
  for (const name of modules) {
    const path = `${moduleDirectory}/${name}.ko`;
    const open = [AT_FDCWD, path, flags(O, 'RDONLY', 'CLOEXEC'), 0];
    const file = b.result('module', `open the module ${name}`, 'openat', open);
    b.op(`load ${name}`, 'finit_module', [file, '', 0], {
      hints: { ENOEXEC: 'it is a module of another kernel', ENOENT: 'a module that it needs is not loaded' },
    });
    b.op(`close the module ${name}`, 'close', [file]);
  }
}

export interface World {
  /** Names, each after those it needs. */
  readonly modules: readonly string[];
  /** The disk with the image. */
  readonly disk: { readonly node: string; readonly format: DiskFormat };
  /** Whether the host serves volumes. */
  readonly volumes: boolean;
  /** Node of a disk with an ext4 that the payload writes to. */
  readonly data?: string;
  readonly network: 'none' | 'user';
  /** What the host's clock says, in ns since 1970: not every machine has one of its own. */
  readonly time: bigint;
}

export interface WorldProgram {
  readonly program: Program;
  /** /proc/sys/kernel/cap_last_cap: see `lastCapabilityOf`. */
  readonly lastCapability: ReadCells;
}

/** The highest capability of the guest's kernel, once its world program has run. */
export const lastCapabilityOf = ({ lastCapability }: WorldProgram, returned: Returned): number =>
  Number(textOf(returned, lastCapability));

const [scratch, image] = [scratchDirectory, imageDirectory];
/** Where the new root is put together. */
const root = '/root';

export function worldProgram({ modules, disk, volumes, data, network, time }: World): WorldProgram {
  const b = new ProgramBuilder();
  b.stage('clock');
  setClock(b, time);
  b.stage('drivers');
  loadModules(b, modules);

  b.stage('root');
  b.op('give files exactly the modes we name', 'umask', [0]);
  const tmpfs = ['tmpfs', root, 'tmpfs', flags(MS, 'NOSUID', 'NODEV'), 'mode=755'];
  b.op('make a root that can be left: the initramfs cannot', 'mount', tmpfs);
  const more = [...(volumes ? ['/volumes'] : []), ...(data === undefined ? [] : [dataDirectory])];
  for (const path of ['/dev', '/proc', image, scratch, ...more])
    b.op(`make ${path}`, 'mkdirat', [AT_FDCWD, root + path, octal(0o755)]);
  b.op('take the devices along', 'mount', ['/dev', `${root}/dev`, 0, flags(MS, 'MOVE'), 0]);
  b.op('mount proc', 'mount', ['proc', `${root}/proc`, 'proc', flags(MS, 'NOSUID', 'NODEV', 'NOEXEC'), 0]);

  b.stage('image');
  const node = disk.node.replace(/^\/dev/, `${root}/dev`);
  waitFor(b, 'the disk with the image', node, 'the machine has no such disk, or no driver has found it');
  if (data === undefined) mountImage(b, node, disk.format);
  else mountBoth(b, node, data.replace(/^\/dev/, `${root}/dev`), disk.format);
  if (volumes)
    b.op('mount the volumes of the host', 'mount', [volumesTag, `${root}/volumes`, 'virtiofs', 0, 0], {
      hints: { EINVAL: 'the machine has no share of this name' },
    });

  b.stage('switch');
  b.op('go to the new root', 'chdir', [root]);
  b.op('put it over the old one', 'mount', ['.', '/', 0, flags(MS, 'MOVE'), 0]);
  b.op('make it the root', 'chroot', ['.']);
  b.op('stand in it', 'chdir', ['/']);

  b.stage('network');
  raiseInterface(b, 'lo', 'the loopback interface');
  if (network === 'user') configureNetwork(b, resolvConf);

  b.stage('facts');
  const lastCapability = readFile(b, '/proc/sys/kernel/cap_last_cap', 16);
  return { program: { ops: b.ops }, lastCapability };
}

function mountImage(b: ProgramBuilder, node: string, format: DiskFormat): void {
  b.op('mount the image', 'mount', [node, root + image, format, flags(MS, 'RDONLY', 'NODEV'), 0], {
    hints: { EINVAL: `the disk holds no ${format}`, EIO: 'the disk cannot be read' },
  });
}

/** Of disks on AHCI or IDE either may be found first: they are told from each other by what they hold. */
function mountBoth(b: ProgramBuilder, first: string, second: string, format: DiskFormat): void {
  waitFor(b, 'the disk to write to', second, 'the machine has no second disk, or no driver has found it');
  b.unless('mount the disk to write to', 'mount', dataMount(second), { allow: ['EINVAL'] }, () => {
    mountImage(b, first, format);
    b.op('look no further', 'getpid', [], { min: Number.MAX_SAFE_INTEGER, allow: [0], skip: 2 });
  });
  b.op('mount the disk to write to, which was found first', 'mount', dataMount(first), {
    hints: { EINVAL: 'the disk holds no ext4: mke2fs -t ext4', EUCLEAN: 'its filesystem is damaged: make it anew' },
  });
  mountImage(b, second, format);
}

const dataMount = (node: string): Arg[] => [node, root + dataDirectory, 'ext4', flags(MS, 'NOSUID', 'NODEV'), 0];

/** `struct timespec` of clock_settime(2). */
function setClock(b: ProgramBuilder, time: bigint): void {
  const [seconds, nanoseconds] = [time / 1_000_000_000n, time % 1_000_000_000n];
  const now = data(`{${seconds} s, ${nanoseconds} ns}`, [{ u64: seconds }, { u64: nanoseconds }]);
  b.op("set the clock by the host's", 'clock_settime', [flags(CLOCK, 'REALTIME'), now]);
}

/**
 * For a guest resumed from a snapshot, before anything else: its clock has stood still, and what its random numbers come from
 * is the same in every guest of the same snapshot.
 *
 * @param entropy 32 bytes that nobody else has
 */
export function wakeProgram({ time, entropy }: { readonly time: bigint; readonly entropy: Uint8Array }): Program {
  const b = new ProgramBuilder().stage('clock');
  setClock(b, time);
  b.stage('randomness');
  const random = b.result('random', 'open the source of randomness', 'openat', [
    AT_FDCWD,
    '/dev/urandom',
    flags(O, 'WRONLY', 'CLOEXEC'),
    0,
  ]);
  const bits = entropy.length * 8;
  const info = data(`{${bits} bits}`, [{ u32: bits }, { u32: entropy.length }, { bytes: entropy }]);
  b.op('add randomness that is ours alone', 'ioctl', [random, flags(IOCTL, 'RNDADDENTROPY'), info]);
  b.op('draw on it from now on', 'ioctl', [random, flags(IOCTL, 'RNDRESEEDCRNG'), 0]);
  b.op('close the source of randomness', 'close', [random]);
  return { ops: b.ops };
}

/** Before a machine with a disk or a volume of its own is switched off. */
export function settleProgram(): Program {
  const b = new ProgramBuilder().stage('end');
  b.op('write everything to the disks', 'sync', []);
  return { ops: b.ops };
}
