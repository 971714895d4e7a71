/** From a request to a machine: which kernel, which disks, which options. Nothing is started but the tools that make them. */
import { existsSync, statSync } from 'node:fs';
import type { Engine } from '../container/engine.ts';
import { TareError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import type { RunRequest } from '../spec/request.ts';
import { parseSize } from '../spec/size.ts';
import { type Disk, formatsOf, makeDisk } from '../vm/disk.ts';
import { type GuestDevices, guestDevices } from '../vm/guest-devices.ts';
import { type GuestFiles, guestFiles } from '../vm/guest-files.ts';
import { findKernel, type GuestKernel } from '../vm/kernel.ts';
import type { Machine } from '../vm/machine.ts';
import { pruneDaily } from '../vm/prune.ts';
import { qemuFds } from '../vm/qemu.ts';
import type { MachineRequest } from '../vm/request.ts';
import { volumesTag } from '../vm/volume-program.ts';

/** All of a machine but who executes it. */
export type Board = Omit<Machine, 'accelerator' | 'tscKhz'>;

export interface VmPlan {
  readonly image: Image;
  readonly kernel: GuestKernel;
  readonly disk: Disk;
  readonly devices: GuestDevices;
  readonly files: GuestFiles;
  readonly board: Board;
  /** Where the payload is to find the disk that it writes to. */
  readonly dataTarget?: string;
}

/** Debian's cloud kernel needs some 100 MiB to boot; the rest is the payload's. */
export const usualMemory = 256 * 2 ** 20;
const leastMemory = 2 ** 20;
const mostCpus = 64;

export interface PlanOptions {
  readonly id: string;
  /** Told, a line at a time, what takes long. */
  readonly say: (line: string) => void;
  /** Where the server of volumes will listen. */
  readonly socket?: string;
  /** What else is to be loaded in the guest. */
  readonly modules?: readonly string[];
}

export async function planVm(
  engine: Engine,
  request: RunRequest,
  vm: MachineRequest,
  { id, say, socket, modules = [] }: PlanOptions,
): Promise<VmPlan> {
  const image = engine.image(request.image);
  const { devices: model = 'virtio', network = 'none', balloon = false } = vm;
  const { machine: type = model === 'virtio' ? 'microvm' : 'q35' } = vm;
  const size = { memory: memoryOf(request), cpus: cpusOf(request) };
  const flavour = model === 'virtio' ? 'cloud' : 'full';
  const kernel = await findKernel({ flavour, say, ...(vm.kernel === undefined ? {} : { file: vm.kernel }) });
  const disk = await makeDisk(directoryOf(image), { formats: formatsOf(kernel), say });
  const known = guestDevices(
    { type, devices: model, network, balloon },
    {
      format: disk.format,
      shares: socket !== undefined,
      data: vm.disk !== undefined,
    },
  );
  const devices = { ...known, late: [...known.late, ...modules] };
  const files = await guestFiles(kernel, devices, { arch: engine.host.arch });
  refuseTooSmall(size.memory, fileOf(kernel), files.path);
  pruneDaily();
  const board: Board = {
    name: id,
    type,
    devices: model,
    ...size,
    kernel: fileOf(kernel),
    initramfs: files.path,
    disks: [
      { path: disk.path, readOnly: true },
      ...(vm.disk === undefined ? [] : [{ path: vm.disk.file, readOnly: false }]),
    ],
    network,
    shares: socket === undefined ? [] : [{ tag: volumesTag, socket }],
    balloon,
    channel: qemuFds.channel,
    monitor: qemuFds.monitor,
    trimmed: true,
    wholeKernel: vm.kernel !== undefined || looksIntoKernel(request),
  };
  return { image, kernel, disk, devices, files, board, ...(vm.disk && { dataTarget: vm.disk.target }) };
}

const capabilitiesToLook = new Set(['ALL', 'BPF', 'PERFMON', 'SYS_ADMIN', 'SYSLOG']);

/** Whether a payload may trace the guest's kernel, or load programs into it. */
const looksIntoKernel = ({ privileged, capAdd = [] }: RunRequest): boolean =>
  privileged === true || capAdd.some((name) => capabilitiesToLook.has(name.toUpperCase().replace(/^CAP_/, '')));

function memoryOf({ limits }: RunRequest): number {
  const memory = limits?.memory === undefined ? usualMemory : parseSize(limits.memory);
  if (memory >= leastMemory) return memory;
  throw new TareError(`give a guest ${memory} bytes of memory`, { hint: 'it takes whole MiB: -m 256m' });
}

/** A kernel that does not even fit says nothing, for its first instructions are missing. */
function refuseTooSmall(memory: number, ...files: readonly string[]): void {
  const least = files.reduce((total, path) => total + statSync(path).size, 0);
  if (memory > least) return;
  const [given, needed] = [memory, least].map((bytes) => Math.ceil(bytes / 2 ** 20));
  throw new TareError(`give a guest ${given} MiB of memory`, {
    hint: `its kernel and first files take ${needed} MiB alone: -m 256m is plenty`,
  });
}

function cpusOf({ limits }: RunRequest): number {
  const { cpus = 1 } = limits ?? {};
  if (Number.isInteger(cpus) && cpus >= 1 && cpus <= mostCpus) return cpus;
  throw new TareError(`give a guest ${cpus} CPUs`, { hint: `it has whole ones: a number from 1 to ${mostCpus}` });
}

/** An image is a directory, or one below nothing else. */
function directoryOf({ reference, root }: Image): string {
  const directories = root.kind === 'directory' ? [root.path] : root.lower;
  const [directory] = directories;
  if (directory !== undefined && directories.length === 1 && directory !== '/') return directory;
  throw new TareError(`make a disk of the image ${reference}`, {
    hint:
      directory === '/'
        ? "this machine's root holds its own mounts: share a part of it with -v"
        : 'it has more than one layer',
  });
}

/** The ELF file saves the guest from unpacking itself, which costs seconds where its instructions are translated. */
function fileOf({ vmlinux, bzImage, name }: GuestKernel): string {
  const file = vmlinux ?? bzImage;
  if (file !== undefined && existsSync(file) && statSync(file).isFile()) return file;
  throw new TareError(`start the kernel ${name}`, { errno: 'ENOENT' });
}
