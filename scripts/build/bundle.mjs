/**
 * dist/cli.cjs is everything the command needs in one file, so that it starts without a walk through node_modules;
 * `import()` in the source stays lazy in it. dist/index.js is the library, for Node programs.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

import { stop } from '../command.mjs';
import { at } from '../root.mjs';
import { whenStale } from './stamp.mjs';

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: at(),
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  charset: 'ascii',
  legalComments: 'none',
  logLevel: 'warning',
};

/** @type {import('esbuild').BuildOptions} */
const cli = {
  ...common,
  entryPoints: ['./src/cli/main.ts'],
  outfile: 'dist/cli.cjs',
  format: 'cjs',
  external: ['*.node', '@yuuang/*'],
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  // bin/tare.cjs runs it as a vm.Script, which has no import() of its own: it becomes a require at the same moment.
  supported: { 'dynamic-import': false },
  // Less to read at each start. The names stay, for the sake of stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
};

/** `tare weigh` brings more along than all other verbs together, and no start of `tare run` should read it. */
const weigh = {
  ...cli,
  entryPoints: ['./src/weigh/main.ts'],
  outfile: 'dist/weigh.cjs',
};

/** The command finds it beside itself: paths are those of bin/tare.cjs, which runs the bundle. @type {import('esbuild').Plugin} */
const weighApart = {
  name: 'weigh apart',
  setup(build) {
    build.onResolve({ filter: /\/weigh\/main\.ts$/ }, () => ({ path: '../dist/weigh.cjs', external: true }));
  },
};

/** @type {import('esbuild').BuildOptions} */
const library = {
  ...common,
  entryPoints: ['./src/index.ts'],
  outfile: 'dist/index.js',
  format: 'esm',
  packages: 'external',
};

const codeCache = at('dist/cli.cache');

/**
 * Of Node's own modules those that a plain `tare run` never touches, though its sources import them: they and what they
 * load cost some 8 ms of a start. In the command's bundle each is loaded when something of it is first used.
 */
const seldom = [
  'crypto',
  'fs/promises',
  'module',
  'net',
  'readline',
  'stream/consumers',
  'timers/promises',
  'tty',
  'util',
];

/** @param {string} code of esbuild, which reaches imported names as properties of such as `import_node_net` */
function loadSeldomLazily(code) {
  const pattern = new RegExp(`(import_\\w+=)require\\("node:(${seldom.join('|')})"\\)`, 'g');
  const lazy = 'var __seldom=name=>new Proxy({},{get:(_,key)=>require(name)[key]});';
  return lazy + code.replace(pattern, '$1__seldom("node:$2")');
}

/**
 * Runs the command for once as a user would, so that the cache holds what every start compiles. Where no container can
 * run, it holds the part up to there.
 */
function writeCodeCache() {
  for (const verb of ['run', 'explain']) {
    const { status } = spawnSync(process.execPath, [at('bin/tare.cjs'), verb, 'busybox', 'true'], {
      stdio: 'ignore',
      timeout: 10_000,
      env: { ...process.env, TARE_WRITE_CODE_CACHE: '1' },
    });
    if (status === 0) return;
  }
}

export async function buildBundles() {
  const target = {
    name: 'bundles',
    inputs: [at('src'), at('package.json'), at('package-lock.json'), at('scripts/build/bundle.mjs'), at('bin')],
    recipe: process.version,
    outputs: [at('dist/cli.cjs'), at('dist/weigh.cjs'), at('dist/index.js')],
  };
  await whenStale(target, async () => {
    // V8 knows a cache's source by its length alone: an old cache must not outlive its bundle.
    rmSync(codeCache, { force: true });
    const { build } = await import('esbuild');
    await Promise.all([build({ ...cli, plugins: [weighApart] }), build(weigh), build(library)]).catch(() =>
      stop('the bundles cannot be built: see above'),
    );
    const file = at('dist/cli.cjs');
    writeFileSync(file, loadSeldomLazily(readFileSync(file, 'utf8')));
    writeCodeCache();
  });
}
