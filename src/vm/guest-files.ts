/** The initramfs of a guest: tare-guest, its boot program and the modules, put together once and kept. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TareError } from '../errors.ts';
import { type Encoded, encode } from '../launch/encode.ts';
import type { Program } from '../launch/program.ts';
import type { Arch } from '../linux/abi.ts';
import { builtFile } from '../linux/native.ts';
import { keep, vmCache } from './cache.ts';
import type { GuestDevices } from './guest-devices.ts';
import { bootProgram, moduleDirectory } from './guest-program.ts';
import { type Entry, withoutSignature, writeInitramfs } from './initramfs.ts';
import { type GuestKernel, moduleFiles } from './kernel.ts';

export interface GuestFiles {
  /** Path of the initramfs. */
  readonly path: string;
  /** Tells it from all others. */
  readonly key: string;
  /** What pid 1 runs before it can be spoken to: for `Channel`. */
  readonly boot: { readonly program: Program; readonly encoded: Encoded };
  /** Modules that the world program is to load, in order. */
  readonly modules: readonly string[];
}

export interface GuestFilesOptions {
  readonly arch: Arch;
  /** Directory to keep them in, instead of this user's cache. */
  readonly cache?: string;
}

/**
 * The initramfs for a kernel and the devices of a machine, made unless this very one is kept.
 *
 * @throws {@link TareError} for a kernel that lacks a module
 */
export async function guestFiles(
  kernel: GuestKernel,
  devices: GuestDevices,
  { arch, cache = vmCache() }: GuestFilesOptions,
): Promise<GuestFiles> {
  const early = moduleFiles(kernel, devices.early);
  const late = moduleFiles(kernel, devices.late).filter((file) => !early.includes(file));
  const program = bootProgram(early.map(nameOf), devices);
  const encoded = encode(program, { arch, trace: true });
  const archive = writeInitramfs(entriesOf(encoded.bytes, [...early, ...late]));
  const key = createHash('sha256').update(archive).digest('hex').slice(0, 32);
  const path = await keep(join(cache, 'initramfs'), key, (draft) => writeFile(draft, archive, { mode: 0o644 }));
  return { path, key, boot: { program, encoded }, modules: late.map(nameOf) };
}

const nameOf = (file: string): string => basename(file, '.ko');

/** The kernel opens /dev/console for pid 1 before that has mounted anything, and mounts need directories. */
function entriesOf(boot: Uint8Array, modules: readonly string[]): Entry[] {
  const directory = (path: string): Entry => ({ kind: 'directory', path, mode: 0o755 });
  const file = (path: string, content: Uint8Array, mode = 0o644): Entry => ({ kind: 'file', path, mode, content });
  const below = moduleDirectory.slice(1);
  return [
    file('init', readFileSync(builtFile('tare-guest')), 0o755),
    file('boot.program', boot),
    directory('dev'),
    { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    directory('root'),
    directory(below),
    ...modules.map((path) => file(`${below}/${basename(path)}`, withoutSignature(readModule(path)))),
  ];
}

function readModule(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    throw new TareError(`read the module ${path}`, { errno, cause });
  }
}
