/** What containers of one process share: the native library, what is known of the host, caches. */
import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { cgroupfs } from '../cgroup/cgroupfs.ts';
import type { CgroupDriver } from '../cgroup/driver.ts';
import { type CgroupHost, probeCgroups } from '../cgroup/hierarchy.ts';
import { TareError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { resolveImage } from '../image/resolve.ts';
import type { UserFiles } from '../image/users.ts';
import type { PathKind } from '../launch/facts.ts';
import { ProgramBuilder } from '../launch/program.ts';
import { Spawner } from '../launch/spawn.ts';
import { inRootArgs, retry } from '../launch/stage.ts';
import { errnos } from '../linux/abi.ts';
import { AT_FDCWD, flags, O } from '../linux/flags.ts';
import { type Host, probeHost } from '../linux/host.ts';
import { LibSeccomp } from '../linux/libseccomp.ts';
import { type Native, openLibrary, openNative } from '../linux/native.ts';
import { SeccompCompiler, type SeccompFilter } from '../linux/seccomp.ts';
import { cacheDir } from '../linux/cache-dir.ts';
import { maskedPaths } from '../spec/default-paths.ts';
import { defaultSeccompProfile } from '../spec/seccomp-default.ts';
import { selectRules } from '../spec/seccomp-profile.ts';
import type { Seccomp } from '../spec/spec.ts';
import { Leftovers } from './leftovers.ts';
import { describeSelf } from './owner.ts';
import { Templates } from './template.ts';

/** What opening a whiteout gives: a device that overlayfs puts where a layer deletes what the layers below have. */
const whiteout = -errnos.ENXIO;

export class Engine {
  readonly host: Host;
  readonly spawner: Spawner;
  readonly cgroups: CgroupHost;
  readonly cgroupDriver: CgroupDriver = cgroupfs;
  /** A directory that every container covers in its own mount namespace. */
  readonly scratch: string;
  /** Of this process, for what it leaves on the host: see owner.ts. */
  readonly owner: string;
  /** What the kernel's filesystems have at the paths that containers are not shown: the same in every instance. */
  readonly maskKinds: ReadonlyMap<string, PathKind>;
  readonly nullFd: number;
  readonly leftovers: Leftovers;
  readonly templates = new Templates();
  /** Loaded eBPF programs that judge access to devices, by their instructions. */
  readonly deviceJudges = new Map<string, number>();
  /** Each `/sys/devices/system/cpu/cpu<n>/thermal_throttle` of this machine. */
  readonly thermalThrottle: readonly string[];
  /** How fast the processor's time stamp counter goes, in kHz: `Native.tscKhz`. */
  readonly tscKhz: Native['tscKhz'];
  readonly #images = new Map<string, Image>();
  readonly #users = new WeakMap<Image, UserFiles>();
  readonly #defaults = new Map<string, Seccomp>();
  readonly #filters = new Map<Seccomp, SeccompFilter>();
  #compiler: SeccompCompiler | undefined;

  /** @param listens whether the event loop hears of containers from the start, or not until `spawner.listen()` */
  constructor(native: Native = openNative(), listens = true) {
    this.host = probeHost();
    this.spawner = new Spawner(native, this.host);
    this.tscKhz = (milliseconds) => native.tscKhz(milliseconds);
    if (listens) this.spawner.listen();
    this.cgroups = probeCgroups();
    this.scratch = makeScratch(this.host);
    this.owner = describeSelf();
    this.maskKinds = new Map(maskedPaths.flatMap((path) => kindEntry(path)));
    this.thermalThrottle = thermalThrottle();
    this.nullFd = openSync('/dev/null', 'r+');
    this.leftovers = new Leftovers(this);
  }

  /** What is built in does not change while we run; a directory may. */
  image(reference: string): Image {
    const image = this.#images.get(reference) ?? resolveImage(reference);
    if (reference === 'busybox') this.#images.set(reference, image);
    return image;
  }

  /** The users of an image, read anew each time but for what is built in. */
  userFiles(image: Image): UserFiles {
    const known = this.#users.get(image);
    if (known !== undefined) return known;
    const layers = image.root.kind === 'overlay' ? image.root.lower : [image.root.path];
    const texts = this.#readInImage(layers, ['/etc/passwd', '/etc/group']);
    const files = { passwd: texts.get('/etc/passwd'), group: texts.get('/etc/group') };
    if (image.reference === 'busybox') this.#users.set(image, files);
    return files;
  }

  /** The default profile for a bounding set: one object for each, so that its filter is compiled once. */
  defaultSeccomp(capabilities: readonly string[]): Seccomp {
    const key = capabilities.join();
    const { arch, kernel } = this.host;
    const profile = this.#defaults.get(key) ?? selectRules(defaultSeccompProfile, { arch, kernel, capabilities });
    this.#defaults.set(key, profile);
    return profile;
  }

  /** Throws where libseccomp is missing or refuses the profile. */
  seccompFilter(profile: Seccomp): SeccompFilter {
    const known = this.#filters.get(profile);
    if (known !== undefined) return known;
    this.#compiler ??= new SeccompCompiler({
      library: new LibSeccomp(openLibrary),
      arch: this.host.arch,
      cacheDir: cacheDir('seccomp', this.host.rootless ? undefined : this.host.uid, process.env),
    });
    const filter = this.#compiler.compile(profile);
    this.#filters.set(profile, filter);
    return filter;
  }

  /** Texts of files of an image, by path: links are followed inside the image only. Those that it does not have are left out. */
  #readInImage(layers: readonly string[], paths: readonly string[]): ReadonlyMap<string, string> {
    const texts = new Map<string, string>();
    let missing = paths;
    for (const layer of layers) {
      if (missing.length === 0) break;
      const opened = this.#openInLayer(layer, missing);
      const unread = opened.filter(([, fd]) => fd >= 0);
      try {
        for (let next = unread.shift(); next !== undefined; next = unread.shift())
          texts.set(next[0], readAndClose(next[1], next[0]));
      } finally {
        for (const [, fd] of unread) closeSync(fd);
      }
      missing = opened.filter(([, fd]) => fd < 0 && fd !== whiteout).map(([path]) => path);
    }
    return texts;
  }

  #openInLayer(layer: string, paths: readonly string[]): [path: string, fd: number][] {
    const b = new ProgramBuilder().stage('image');
    const open = [AT_FDCWD, layer, flags(O, 'PATH', 'DIRECTORY', 'CLOEXEC'), 0];
    const top = b.result('layer', `open the layer ${layer}`, 'openat', open);
    const files = paths.map((path) => {
      const args = inRootArgs(top, path, flags(O, 'RDONLY', 'NONBLOCK', 'CLOEXEC'));
      return b.result('file', `open ${path} of the image`, 'openat2', args, {
        retry,
        allow: ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'],
      });
    });
    b.op('close the layer', 'close', [top]);
    const cells = this.spawner.run({ ops: b.ops }, [top, ...files]);
    return paths.map((path, index) => [path, cells.get(files[index] ?? top) ?? -1]);
  }
}

function thermalThrottle(): string[] {
  const base = '/sys/devices/system/cpu';
  return entriesOf(base)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${base}/${name}/thermal_throttle`)
    .filter((path) => pathKind(path) !== undefined);
}

/** A device or a pipe in its place would be read without end, and so would a file without bounds. */
const longestFile = 4 * 2 ** 20;

function readAndClose(fd: number, path: string): string {
  try {
    const found = fstatSync(fd);
    // Of a directory the kernel says itself what is wrong.
    if ((!found.isFile() && !found.isDirectory()) || found.size > longestFile)
      throw new TareError(`read ${path} of the image`, {
        hint: `it is no ordinary file of at most ${longestFile} bytes`,
      });
    return readFileSync(fd, 'utf8');
  } catch (cause) {
    if (cause instanceof TareError) throw cause;
    throw new TareError(`read ${path} of the image`, { errno: (cause as NodeJS.ErrnoException).code, cause });
  } finally {
    closeSync(fd);
  }
}

/** What lies at a path of the host, links followed. */
export function pathKind(path: string): PathKind | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isDirectory() ? 'directory' : 'file';
}

function kindEntry(path: string): [string, PathKind][] {
  try {
    const kind = pathKind(path);
    return kind === undefined ? [] : [[path, kind]];
  } catch {
    return []; // not ours to see: treated as unknown
  }
}

/** Mode 0700 and ours, so that nobody else decides what lies under it. */
function makeScratch(host: Host): string {
  const { XDG_RUNTIME_DIR: ofUser } = process.env;
  // An engine without power over the host is root of a user namespace, in which /run is nobody's.
  const runtime = host.uid === 0 && !(host.rootless && ofUser !== undefined) ? '/run' : ofUser;
  const base = runtime === undefined || !exists(runtime) ? `/tmp/tare-${host.uid}` : `${runtime}/tare`;
  const scratch = `${base}/scratch`;
  try {
    // A container with ids of its own passes through it as somebody else.
    mkdirSync(base, { recursive: true, mode: 0o755 });
    mkdirSync(scratch, { recursive: true, mode: 0o700 });
    if (host.uid === 0) chmodSync(base, 0o755);
  } catch (cause) {
    throw new TareError(`make ${scratch}`, { errno: (cause as NodeJS.ErrnoException).code, cause });
  }
  const { uid, mode } = statSync(base);
  if (uid !== host.uid || (mode & 0o022) !== 0)
    throw new TareError(`use ${base}`, {
      hint: `it must belong to user ${host.uid} and nobody else may write to it: remove it`,
    });
  return scratch;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Names of the entries of a directory; none where it cannot be read. */
function entriesOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
