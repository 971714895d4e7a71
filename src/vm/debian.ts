/** Debian's kernel packages: found and downloaded by apt, which checks signatures, and unpacked; never installed. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TareError } from '../errors.ts';
import { runTool, type Tool } from './tool.ts';

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** Of the download. */
  readonly bytes: number;
}

const aptCache: Tool = { program: 'apt-cache', package: 'apt' };
const aptGet: Tool = { program: 'apt-get', package: 'apt' };
const dpkgDeb: Tool = { program: 'dpkg-deb', package: 'dpkg' };

/** In a kernel's modules: what no machine of ours has, and is most of the package. */
const foreignHardware = [
  'kernel/sound',
  ...['gpu', 'media', 'infiniband', 'iio', 'staging', 'hwmon', 'net/wireless', 'isdn'].map(
    (name) => `kernel/drivers/${name}`,
  ),
];

/** Linux decompresses modules itself only where it was built to (CONFIG_MODULE_DECOMPRESS), so they are decompressed here. */
const compressedModules: readonly { readonly ending: string; readonly tool: Tool; readonly args: readonly string[] }[] =
  [
    { ending: '.ko.xz', tool: { program: 'xz', package: 'xz-utils' }, args: ['-d', '-q', '--'] },
    { ending: '.ko.zst', tool: { program: 'zstd', package: 'zstd' }, args: ['-d', '-q', '--rm', '--'] },
    { ending: '.ko.gz', tool: { program: 'gzip', package: 'gzip' }, args: ['-d', '-q', '--'] },
  ];

/**
 * The package of a kernel that a metapackage such as `linux-image-cloud-amd64` stands for today.
 *
 * @throws {@link TareError} where apt is missing or knows no such package
 */
export async function findPackage(metapackage: string): Promise<DebianPackage> {
  const doing = `find the kernel package ${metapackage}`;
  const name = /^Depends:.*?(linux-image-[^ ,]+)/m.exec(await show(doing, metapackage))?.[1];
  const control = name === undefined ? '' : await show(doing, name);
  const version = /^Version: (\S+)/m.exec(control)?.[1];
  const bytes = /^Size: (\d+)/m.exec(control)?.[1];
  if (name === undefined || version === undefined) throw unknown(doing);
  return { name, version, bytes: Number(bytes ?? 0) };
}

async function show(doing: string, name: string): Promise<string> {
  try {
    return (await runTool(doing, aptCache, ['show', '--no-all-versions', name])).toString();
  } catch (cause) {
    throw unknown(doing, cause);
  }
}

const unknown = (doing: string, cause?: unknown): TareError =>
  new TareError(doing, { errno: 'ENOENT', hint: 'apt-get update, or name a kernel of your own with --kernel', cause });

/**
 * Downloads a package into `dir` and unpacks it into `target`.
 *
 * @throws {@link TareError} with what apt said
 */
export async function downloadPackage(found: DebianPackage, dir: string, target: string): Promise<void> {
  const doing = `download ${found.name}`;
  // The user _apt could not write into a directory that is ours alone.
  await runTool(doing, aptGet, ['-q', '-o', 'APT::Sandbox::User=root', 'download', `${found.name}=${found.version}`], {
    cwd: dir,
  });
  const file = (await readdir(dir)).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new TareError(doing, { hint: 'apt-get said that it did, and no file is there' });
  await runTool(`unpack ${file}`, dpkgDeb, ['-x', file, target], { cwd: dir });
  await rm(join(dir, file));
}

export async function hasCompressedModules(dir: string): Promise<boolean> {
  const files = await readdir(join(dir, 'kernel'), { recursive: true });
  return files.some((name) => compressedModules.some(({ ending }) => name.endsWith(ending)));
}

/** Makes a package's modules plain files, without those of hardware that no machine of ours has. */
export async function trimModules(dir: string): Promise<void> {
  for (const path of foreignHardware) await rm(join(dir, path), { recursive: true, force: true });
  const files = await readdir(dir, { recursive: true });
  for (const { ending, tool, args } of compressedModules) {
    const found = files.filter((name) => name.endsWith(ending));
    if (found.length > 0) await runTool(`decompress the modules in ${dir}`, tool, [...args, ...found], { cwd: dir });
  }
}
