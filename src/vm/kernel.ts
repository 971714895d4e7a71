/**
 * The kernel of virtual machines: Debian's own package, downloaded and unpacked but never installed, or a file of the
 * user's. It is taken out of its compression once, so that no machine has to, and kept.
 *
 *     kernel/linux-image-6.1.0-18-cloud-amd64_6.1.76-1/
 *       vmlinuz  config     as packaged
 *       vmlinux             the ELF file in it, which QEMU starts by its PVH entry
 *       modules/            without the drivers of hardware that no machine of ours has
 *       kernel.json         `Facts`
 */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { TareError } from '../errors.ts';
import { type BzImage, type Compression, isBzImage, parseBzImage } from './bzimage.ts';
import { allKept, keep, kept, vmCache } from './cache.ts';
import { downloadPackage, findPackage, hasCompressedModules, trimModules } from './debian.ts';
import { isElf, linuxRelease, pvhEntry } from './elf.ts';
import { indexModules, loadOrder, type ModuleIndex } from './modules.ts';
import { runTool, type Tool } from './tool.ts';

/** Debian's kernel for clouds is small and has virtio; the full one has the drivers of real (and emulated) hardware too. */
export type Flavour = 'cloud' | 'full';

export interface GuestKernel {
  /** For people: `linux-image-6.1.0-18-cloud-amd64_6.1.76-1`, or the path that was given. */
  readonly name: string;
  /** As `uname -r` will say it; empty where the file does not tell. */
  readonly release: string;
  /** Tells this kernel and its modules from all others; fit for a file name. */
  readonly key: string;
  /** Path of the file for a boot loader; undefined where an ELF file was given. */
  readonly bzImage: string | undefined;
  /** Path of the ELF file; undefined where it has no PVH entry, so that only the bzImage starts. */
  readonly vmlinux: string | undefined;
  /** Undefined where the modules are nowhere to be found: then all that is needed must be built in. */
  readonly modules: ({ readonly dir: string } & ModuleIndex) | undefined;
}

export interface KernelOptions {
  readonly flavour?: Flavour;
  /** Instead of Debian's: a bzImage, or an ELF file with a PVH entry. */
  readonly file?: string;
  /** Directory to keep kernels in, instead of this user's cache. */
  readonly cache?: string;
  /** Told, a line at a time, what takes long. */
  readonly say?: (line: string) => void;
}

/** Of kernel.json: a `GuestKernel` but for its paths. */
interface Facts {
  readonly release: string;
  readonly key: string;
  readonly hasPvh: boolean;
  readonly modules: ModuleIndex | undefined;
}

const decompressors: Readonly<Record<Exclude<Compression, 'gzip'>, Tool & { readonly args: readonly string[] }>> = {
  xz: { program: 'xz', package: 'xz-utils', args: ['-dc'] },
  lzma: { program: 'xz', package: 'xz-utils', args: ['--format=lzma', '-dc'] },
  zstd: { program: 'zstd', package: 'zstd', args: ['-dcq'] },
  lz4: { program: 'lz4', package: 'lz4', args: ['-dcq'] },
  bzip2: { program: 'bzip2', package: 'bzip2', args: ['-dc'] },
  lzo: { program: 'lzop', package: 'lzop', args: ['-dcq'] },
};

/**
 * The kernel to boot: the file that was named, else the newest of Debian's that is kept, else the one that apt would
 * install, downloaded now.
 *
 * @throws {@link TareError} with the cure: no apt, no package lists, an unreadable kernel, a full disk
 */
export async function findKernel(options: KernelOptions = {}): Promise<GuestKernel> {
  const { flavour = 'cloud', file, cache = vmCache() } = options;
  if (process.arch !== 'x64') {
    throw new TareError(`find a kernel for ${process.arch}`, { hint: 'virtual machines are x86-64 for now' });
  }
  const room = join(cache, 'kernel');
  if (file !== undefined) return ownKernel(room, resolve(file));
  const known = newestKept(allKept(room), flavour);
  return known === undefined ? downloadKernel(options) : readPackaged(room, known);
}

/**
 * The kernel that apt would install now, downloaded unless it is kept already.
 *
 * @throws {@link TareError} like {@link findKernel}
 */
async function downloadKernel(options: KernelOptions = {}): Promise<GuestKernel> {
  const { flavour = 'cloud', cache = vmCache(), say = () => {} } = options;
  const room = join(cache, 'kernel');
  const found = await findPackage(flavour === 'cloud' ? 'linux-image-cloud-amd64' : 'linux-image-amd64');
  const name = `${found.name}_${found.version}`;
  await keep(room, name, async (draft) => {
    say(`downloads ${found.name} ${found.version} (${(found.bytes / 1e6).toFixed(0)} MB), once`);
    await mkdir(draft);
    const unpacked = join(draft, 'package');
    await downloadPackage(found, draft, unpacked);
    const release = found.name.replace(/^linux-image-/, '');
    await rename(join(unpacked, 'boot', `vmlinuz-${release}`), join(draft, 'vmlinuz'));
    await rename(join(unpacked, 'boot', `config-${release}`), join(draft, 'config'));
    await rename(join(unpacked, 'lib/modules', release), join(draft, 'modules'));
    await rm(unpacked, { recursive: true });
    await trimModules(join(draft, 'modules'));
    await unpackKernel(await readFile(join(draft, 'vmlinuz')), name, join(draft, 'modules'), draft);
  });
  return readPackaged(room, name);
}

/**
 * The files to load for these modules, as paths, each after those it needs; nothing for what is built in.
 *
 * @throws {@link TareError} that names all modules which this kernel does not have
 */
export function moduleFiles({ modules, release }: GuestKernel, wanted: readonly string[]): string[] {
  if (modules === undefined) return [];
  return loadOrder(modules, wanted, release).map((file) => join(modules.dir, file));
}

/** Of `linux-image-6.1.0-18-cloud-amd64_6.1.76-1` and its like, the one with the highest version of this flavour. */
export function newestKept(names: readonly string[], flavour: Flavour): string | undefined {
  const pattern = flavour === 'cloud' ? /^linux-image-.*-cloud-amd64_/ : /^linux-image-(?!.*cloud).*-amd64_/;
  return names
    .filter((name) => pattern.test(name))
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .at(-1);
}

async function readPackaged(room: string, name: string): Promise<GuestKernel> {
  const home = kept(room, name) ?? join(room, name);
  const facts = await readFacts(home);
  return { name, bzImage: join(home, 'vmlinuz'), ...placed(facts, home, join(home, 'modules')) };
}

/** Its modules are looked for where Linux installs them, beside the directory that the file is in and on this host. */
async function ownKernel(room: string, file: string): Promise<GuestKernel> {
  const content = await readKernelFile(file);
  const image = isBzImage(content);
  const release = image ? parseBzImage(content, file).release : linuxRelease(content);
  const dir = [join(dirname(file), '../lib/modules', release), join('/lib/modules', release)].find(
    (path) => release !== '' && existsSync(join(path, 'modules.builtin')),
  );
  const identity = createHash('sha256').update(content);
  if (dir !== undefined) identity.update(`${dir} ${statSync(dir).mtimeMs}`);
  const name = `own-${identity.digest('hex').slice(0, 32)}`;
  const home = await keep(room, name, async (draft) => {
    await mkdir(draft);
    const copy = dir === undefined || !(await hasCompressedModules(dir)) ? undefined : join(draft, 'modules');
    if (dir !== undefined && copy !== undefined) {
      await cp(join(dir, 'kernel'), join(copy, 'kernel'), { recursive: true });
      await copyFile(join(dir, 'modules.builtin'), join(copy, 'modules.builtin'));
      await trimModules(copy);
    }
    await unpackKernel(content, file, copy ?? dir, draft);
  });
  const copied = join(home, 'modules');
  const modules = existsSync(copied) ? copied : dir;
  return { name: file, bzImage: image ? file : undefined, ...placed(await readFacts(home), home, modules) };
}

async function readKernelFile(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    throw new TareError(`read the kernel ${file}`, {
      errno,
      ...(errno === 'EACCES' ? { hint: `may be read by root only: sudo install -m 644 ${file} .` } : {}),
      cause,
    });
  }
}

/** Writes vmlinux and kernel.json into `home`. */
async function unpackKernel(content: Buffer, name: string, modules: string | undefined, home: string): Promise<void> {
  const image = isElf(content) ? undefined : parseBzImage(content, name);
  const elf = image === undefined ? content : await decompress(image, name);
  const hasPvh = pvhEntry(elf) !== undefined;
  if (image === undefined && !hasPvh) {
    throw new TareError(`read the kernel ${name}`, {
      errno: 'ENOEXEC',
      hint: 'an ELF file needs a PVH entry (CONFIG_PVH): give its bzImage',
    });
  }
  if (hasPvh) await writeFile(join(home, 'vmlinux'), elf);
  const index = modules === undefined ? undefined : indexModules(modules);
  const facts: Facts = {
    release: image?.release ?? linuxRelease(elf),
    key: createHash('sha256')
      .update(content)
      .update(JSON.stringify(index ?? ''))
      .digest('hex')
      .slice(0, 32),
    hasPvh,
    modules: index,
  };
  await writeFile(join(home, 'kernel.json'), JSON.stringify(facts));
}

async function decompress({ compression, payload, size }: BzImage, name: string): Promise<Buffer> {
  const doing = `decompress the kernel ${name}`;
  let elf: Buffer;
  if (compression === 'gzip') elf = gunzip(doing, payload, size);
  else {
    const { args, ...tool } = decompressors[compression];
    elf = await runTool(doing, tool, args, { input: payload, mostOutput: size + 1 });
  }
  if (elf.length === size && isElf(elf)) return elf;
  throw new TareError(doing, { errno: 'ENOEXEC', hint: `damaged: ${elf.length} bytes came out of ${size}` });
}

function gunzip(doing: string, payload: Buffer, size: number): Buffer {
  try {
    return gunzipSync(payload, { maxOutputLength: size + 1 });
  } catch (cause) {
    throw new TareError(doing, { errno: 'ENOEXEC', hint: `damaged: ${(cause as Error).message}`, cause });
  }
}

async function readFacts(home: string): Promise<Facts> {
  try {
    return JSON.parse(await readFile(join(home, 'kernel.json'), 'utf8')) as Facts;
  } catch (cause) {
    throw new TareError(`read ${home}/kernel.json`, { hint: `rm -r ${home}`, cause });
  }
}

function placed(facts: Facts, home: string, dir: string | undefined): Omit<GuestKernel, 'name' | 'bzImage'> {
  const { release, key, hasPvh, modules } = facts;
  return {
    release,
    key,
    vmlinux: hasPvh ? join(home, 'vmlinux') : undefined,
    modules: modules === undefined || dir === undefined ? undefined : { dir, ...modules },
  };
}
