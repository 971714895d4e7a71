/**
 * native/*.c → tare-init and tare-guest (static, no libc: each runs before anything else does, in the container or in the
 * virtual machine), libtare.so, tare-replay and tare-oci.
 * The objects are kept: a test looks at their symbols.
 */
import { copyFileSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';

import { run } from '../command.mjs';
import { at } from '../root.mjs';
import { whenStale } from './stamp.mjs';

/** @typedef {'host' | 'arm64'} Arch */

const compilers = { host: 'gcc', arm64: 'aarch64-linux-gnu-gcc' };
const folders = { host: at('native/build'), arm64: at('native/build/arm64') };

const strict = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-O2'];

/** Nothing may call into libc behind the source's back: no memset idioms, no stack protector. */
const alone = [
  '-ffreestanding',
  '-fno-stack-protector',
  '-fno-tree-loop-distribute-patterns',
  '-fcf-protection=none',
  '-fno-asynchronous-unwind-tables',
];

const shared = ['-fPIC', '-fvisibility=hidden', '-D_GNU_SOURCE'];

/** @type {Record<string, string[]>} */
const objects = {
  'interpreter.c': [...alone, ...shared],
  'tare-init.c': alone,
  'tare-guest.c': alone,
  'guest-wire.c': alone,
  'guest-payload.c': alone,
  'child.c': shared,
  'spawn.c': shared,
  'cpuid.c': shared,
  'guard.c': ['-D_GNU_SOURCE'],
  'record.c': ['-D_GNU_SOURCE'],
  'replay.c': ['-D_GNU_SOURCE'],
  'stopwatch.c': ['-D_GNU_SOURCE'],
  'creation.c': ['-D_GNU_SOURCE'],
  'creation-find.c': ['-D_GNU_SOURCE'],
  'creation-hooks.c': ['-D_GNU_SOURCE'],
  // Container engines call runtimes without PATH.
  'oci.c': ['-D_GNU_SOURCE', `-DTARE_NODE="${process.execPath}"`],
};

/** The first program of its world: nothing else is there that it could need. */
const first = [
  '-static',
  '-no-pie',
  '-nostdlib',
  '-s',
  '-Wl,--build-id=none',
  '-Wl,-z,noexecstack',
  '-Wl,-z,noseparate-code',
];

const links = {
  'tare-init': { from: ['tare-init.o', 'interpreter.o'], flags: first },
  'tare-guest': { from: ['tare-guest.o', 'guest-wire.o', 'guest-payload.o', 'interpreter.o'], flags: first },
  'libtare.so': {
    from: ['spawn.o', 'child.o', 'cpuid.o', 'interpreter.o'],
    flags: ['-shared', '-pthread', '-s', '-Wl,--build-id=none', '-Wl,-z,now', '-Wl,-z,defs'],
  },
  'tare-replay': {
    from: ['replay.o', 'record.o', 'guard.o', 'child.o', 'interpreter.o'],
    flags: ['-static', '-no-pie', '-s', '-Wl,--build-id=none', '-Wl,--gc-sections'],
  },
  stopwatch: { from: ['stopwatch.o'], flags: ['-s', '-Wl,--build-id=none'] },
  'tare-oci': {
    from: ['oci.o', 'creation.o', 'creation-find.o', 'creation-hooks.o', 'guard.o', 'child.o', 'interpreter.o'],
    flags: ['-static', '-no-pie', '-s', '-Wl,--build-id=none', '-Wl,--gc-sections'],
  },
};

/** @param {Arch} arch */
export async function buildNative(arch) {
  const folder = folders[arch];
  const compiler = compilers[arch];
  const built = Object.keys(links).map((name) => join(folder, name));
  const shipped = arch === 'host' ? Object.keys(links).map((name) => at('dist', name)) : [];
  const target = {
    name: arch === 'host' ? 'native code' : `native code for ${arch}`,
    inputs: [at('scripts/build/native.mjs'), ...sources()],
    recipe: `${compiler} on ${process.arch} for ${process.execPath}`,
    outputs: [...built, ...shipped],
  };
  await whenStale(target, () => {
    mkdirSync(folder, { recursive: true });
    for (const [source, flags] of Object.entries(objects)) {
      const object = join(folder, source.replace('.c', '.o'));
      run(compiler, [...strict, ...flags, '-c', at('native', source), '-o', object]);
    }
    for (const [name, { from, flags }] of Object.entries(links)) {
      run(compiler, [...flags, ...from.map((object) => join(folder, object)), '-o', join(folder, name)]);
    }
    mkdirSync(at('dist'), { recursive: true });
    for (const path of shipped) replace(path, join(folder, basename(path)));
  });
}

/** Never writes into a file that a running process may have mapped. @param {string} path @param {string} source */
function replace(path, source) {
  copyFileSync(source, `${path}.new`);
  renameSync(`${path}.new`, path);
}

function sources() {
  return readdirSync(at('native'))
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => at('native', name));
}

/** gcc's own proof-reader; too slow for every build, so `npm run check` asks it. */
export function analyzeNative() {
  for (const [source, flags] of Object.entries(objects)) {
    run('gcc', [...strict, ...flags, '-fanalyzer', '-c', at('native', source), '-o', '/dev/null']);
  }
}
