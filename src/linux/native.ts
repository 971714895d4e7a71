/**
 * The only door to native code: one FFI call (4 µs) per operation, each with one packed Buffer.
 *
 * Danger lives here. A Buffer handed over must be in memory of its own, since programs are relocated in place; calls are
 * synchronous, so that none is collected meanwhile; and none of this works in a worker thread alone (ffi-rs crashes at its exit).
 */
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TareError } from '../errors.ts';
import { errnoName } from './abi.ts';

/** ffi-rs's addon, as far as it is used. */
interface Addon {
  open(library: { library: string; path: string }): void;
  load(call: {
    library: string;
    funcName: string;
    retType: number;
    paramsType: readonly unknown[];
    paramsValue: readonly unknown[];
    freeResultMemory: false;
  }): unknown;
}

/** ffi-rs's numbers for C types, and its tag of an array that is passed by address, uncopied. */
const type = { i32: 1, void: 7, buffer: 10, u64: 12, u32: 20 } as const;
const arrayTag = 997;

/** What a foreign function takes and gives. */
export type ForeignType = Exclude<keyof typeof type, 'buffer'>;

/** A shared library: functions by name, with numbers and Buffers as arguments. */
export interface Library {
  call(name: string, returns: ForeignType, ...args: readonly ForeignArgument[]): number;
}

export type ForeignArgument = readonly [ForeignType, number] | Buffer;

/** libtare.so. */
export interface Native {
  /** Where `struct event`s of native/spawn.c are read; open until the process ends. */
  readonly events: number;
  /** Interprets a program in this thread. Its outcome is in its header. */
  run(program: Buffer): void;
  /** Starts a child as `struct spawn` of native/child.h says, and answers in it. */
  spawn(request: Buffer): void;
  /** Reports the exit of a process that a child handed over by its pidfd. */
  follow(id: number, pidfd: number): void;
  /** How fast the processor's time stamp counter goes, in kHz, measured for so many ms; 0 where there is none. */
  tscKhz(milliseconds: number): number;
}

export function openNative(): Native {
  const library = openLibrary(builtFile('libtare.so'));
  const answer = Buffer.alloc(8);
  const handle = library.call('tare_open', 'u64', answer);
  const events = answer.readInt32LE(0);
  if (handle === 0) throw new TareError('start the thread that follows containers', { errno: errnoName(-events) });
  return {
    events,
    run(program) {
      const error = library.call('tare_run', 'i32', program, ['u64', program.length]);
      if (error !== 0) throw new TareError('run a program of system calls', { errno: errnoName(error) });
    },
    spawn(request) {
      library.call('tare_spawn', 'i32', ['u64', handle], request);
    },
    follow(id, pidfd) {
      const error = library.call('tare_follow', 'i32', ['u64', handle], ['u64', id], ['i32', pidfd]);
      if (error !== 0) throw new TareError('follow a container', { errno: errnoName(error) });
    },
    tscKhz: (milliseconds) => library.call('tare_tsc_khz', 'u64', ['u32', milliseconds]),
  };
}

/** Opens a shared library by path or by the dynamic linker's name. Throws what dlopen(3) says. */
export function openLibrary(path: string): Library {
  const addon = loadAddon();
  addon.open({ library: path, path });
  return {
    call: (name, returns, ...args) =>
      Number(
        addon.load({
          library: path,
          funcName: name,
          retType: type[returns],
          paramsType: args.map((arg) =>
            Buffer.isBuffer(arg) ? { ffiTypeTag: arrayTag, type: type.buffer, length: arg.length } : type[arg[0]],
          ),
          paramsValue: args.map((arg) => (Buffer.isBuffer(arg) ? arg : arg[1])),
          freeResultMemory: false,
        }),
      ),
  };
}

/**
 * `dlopen`s the addon itself: ffi-rs's own entry asks `process.report` which libc this is, which costs 5 ms.
 * That remains the way on musl.
 */
function loadAddon(): Addon {
  const module: { exports: unknown } = { exports: {} };
  const name = `ffi-rs-linux-${process.arch}-gnu`;
  // Where npm has put it, without a walk through directories; elsewhere it is found as Node finds modules.
  const usual = join(import.meta.dirname, `../node_modules/@yuuang/${name}/ffi-rs.linux-${process.arch}-gnu.node`);
  const require = createRequire(join(import.meta.dirname, 'native.js'));
  try {
    process.dlopen(module, existsSync(usual) ? usual : require.resolve(`@yuuang/${name}`));
  } catch {
    module.exports = require('ffi-rs');
  }
  return module.exports as Addon;
}

/** A product of the build: beside the bundle, or in `dist/` when the sources run as they are. */
export function builtFile(name: string): string {
  const places = [join(import.meta.dirname, name), join(import.meta.dirname, '../../dist', name)];
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new TareError(`find ${name}`, { errno: 'ENOENT', hint: 'build it: npm run build' });
}
