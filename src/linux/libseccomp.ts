/**
 * The one thing for which libseccomp.so.2 is asked: the number of a system call, by name and architecture.
 *
 * The filter itself is assembled by `bpf-seccomp.ts`. libseccomp 2.5 gets calls wrong that have several rules with
 * inequalities (`a4 < 5`, or `a4 >= 9`, or `a0 == 1` lets 7 pass), takes 25 ms, and its program is four times as long.
 */
import { statSync } from 'node:fs';
import { TareError } from '../errors.ts';
import type { Library } from './native.ts';

const soname = 'libseccomp.so.2';

/** Where distributions keep libraries for 64-bit programs: Debian's by architecture, the others' lib64, and plain lib. */
const directories = [
  `/usr/lib/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`,
  '/usr/lib64',
  '/usr/lib',
  '/lib64',
  '/lib',
];

/** Opened on the first question, so that a filter found in the cache costs no dlopen(3) (0.5 ms). */
export class LibSeccomp {
  /** Tells one build of the library from another: path, inode, size and time. Undefined where only dlopen can find it. */
  readonly identity: string | undefined;
  readonly #path: string;
  readonly #open: (path: string) => Library;
  #library: Library | undefined;

  /** @param open such as `openLibrary` of native.ts; it throws what dlopen says */
  constructor(open: (path: string) => Library, places: readonly string[] = directories) {
    const found = locate(places);
    this.identity = found?.identity;
    this.#path = found?.path ?? soname;
    this.#open = open;
  }

  /**
   * seccomp_syscall_resolve_name_arch(3): a number, or a negative one for a call that the architecture lacks or
   * multiplexes, or -1 for a call that the library does not know.
   *
   * @param arch an `AUDIT_ARCH_` number, or libseccomp's own for x32
   * @throws TareError without the library
   */
  resolve(arch: number, name: string): number {
    this.#library ??= this.#load();
    return this.#library.call('seccomp_syscall_resolve_name_arch', 'i32', ['u32', arch], Buffer.from(`${name}\0`));
  }

  #load(): Library {
    try {
      return this.#open(this.#path);
    } catch (cause) {
      throw new TareError(`open ${this.#path}`, {
        hint: 'apt-get install libseccomp2, or go without a filter: --security-opt seccomp=unconfined',
        cause,
      });
    }
  }
}

function locate(places: readonly string[]): { path: string; identity: string } | undefined {
  for (const place of places) {
    const path = `${place}/${soname}`;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined) return { path, identity: `${path} ${stat.ino} ${stat.size} ${stat.mtimeMs}` };
  }
  return undefined;
}
