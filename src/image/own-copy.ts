import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { TareError } from '../errors.ts';
import { cacheDir } from '../linux/cache-dir.ts';
import { fnv1a } from '../linux/hash.ts';

/**
 * What this user's containers take for the image in a directory: the directory, or a copy in the user's cache, made once.
 *
 * In a user namespace the files of whoever has no id in it belong to nobody, and even its root may neither write beside them
 * nor have overlayfs copy them up (user_namespaces(7)). So an ordinary user who runs what root has built gets a copy.
 *
 * @param stamp a file below it that is written whenever the image is built
 */
export function ownCopy(home: string, stamp: string): string {
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return home; // whose layers are id-mapped, and whose start asks for nothing more
  const built = statSync(join(home, stamp), { throwIfNoEntry: false });
  const cache = cacheDir('images', uid, process.env);
  if (built === undefined || built.uid === uid || cache === undefined) return home;
  const place = fnv1a(Buffer.from(home)).toString(16);
  const copy = join(cache, `${basename(home)}-${place}-${Math.trunc(built.mtimeMs)}`);
  if (existsSync(copy)) return copy;
  const draft = `${copy}.${process.pid}`;
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    copyTree(home, draft);
    if (!existsSync(copy)) renameSync(draft, copy);
  } catch (cause) {
    // Somebody else of this user may have been faster.
    if (!existsSync(copy))
      throw new TareError(`copy the image ${home} to ${copy}`, { errno: (cause as NodeJS.ErrnoException).code, cause });
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return copy;
}

function copyTree(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const entry of listed(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else copyFileSync(source, target);
  }
  chmodSync(to, statSync(from).mode & 0o7777);
}

/** Of a directory that is its owner's alone, such as /root, nothing. */
function listed(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return [];
    throw error;
  }
}
