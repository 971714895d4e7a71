/**
 * dist/cli.cjs is everything the command needs in one file, so that it starts without a walk through node_modules;
 * `import()` in the source stays lazy in it. dist/oci.cjs is the same for tare-oci; dist/index.js is the library, for Node
 * programs.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
  // Loaded when docker is weighed, from node_modules: it brings ssh and gRPC along.
  external: [...(cli.external ?? []), 'dockerode'],
};

/**
 * What draws charts, for the one page that needs it. It measures no text, and so wants no canvas: neither vega's search for
 * one, which waits at the top level, as a bundle like this cannot.
 */
const charts = {
  ...cli,
  entryPoints: ['./src/weigh/report/page/draw.ts'],
  outfile: 'dist/charts.cjs',
  alias: { 'vega-canvas': './node_modules/vega-canvas/build/vega-canvas.browser.js' },
};

/** @type {import('esbuild').Plugin} */
const chartsApart = {
  name: 'charts apart',
  setup(build) {
    build.onResolve({ filter: /\/page\/draw\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './charts.cjs', external: true },
    );
  },
};

/** Readers of TOML and JSON that keep what they read. */
const hookup = {
  ...cli,
  entryPoints: ['./src/hookup/main.ts'],
  outfile: 'dist/hookup.cjs',
  // Its other form hands `require` around, out of a bundler's sight.
  alias: { 'jsonc-parser': './node_modules/jsonc-parser/lib/esm/main.js' },
};

/** The command finds them beside itself: paths are those of bin/tare.cjs, which runs the bundle. @type {import('esbuild').Plugin} */
const apart = {
  name: 'apart',
  setup(build) {
    build.onResolve({ filter: /\/(weigh|hookup|labs)\/main\.ts$/ }, ({ path }) => ({
      path: `../dist/${path.split('/').at(-2)}.cjs`,
      external: true,
    }));
  },
};

/** So does `tare lab`. Its labs are files beside it. @type {import('esbuild').BuildOptions} */
const labs = { ...cli, entryPoints: ['./src/labs/main.ts'], outfile: 'dist/labs.cjs' };

/** @type {import('esbuild').BuildOptions} */
const oci = { ...cli, entryPoints: ['./src/oci/main.ts'], outfile: 'dist/oci.cjs' };

/** @type {import('esbuild').BuildOptions} */
const library = {
  ...common,
  entryPoints: ['./src/index.ts'],
  outfile: 'dist/index.js',
  format: 'esm',
  packages: 'external',
};

const commands = [at('dist/cli.cjs'), at('dist/oci.cjs')];

/** @param {string} command */
const cacheOf = (command) => command.replace(/cjs$/, 'cache');

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
function writeCodeCaches() {
  const runs = ['run', 'explain'].map((verb) => [at('bin/tare.cjs'), verb, 'busybox', 'true']);
  runs.some((run) => succeeds(run));
  const root = mkdtempSync(join(tmpdir(), 'tare-build-'));
  try {
    writeFileSync(join(root, 'config.json'), JSON.stringify(bundle));
    const runtime = [at('bin/tare-oci.cjs'), '--root', join(root, 'state')];
    if (succeeds([...runtime, 'create', '--bundle', root, 'build']))
      succeeds([...runtime, 'delete', '--force', 'build']);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The calls that most bundles lead to. */
const bundle = {
  ociVersion: '1.3.0',
  root: { path: at('dist/images/busybox/rootfs') },
  process: { args: ['true'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'], capabilities: {} },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
  ],
  linux: { namespaces: ['pid', 'network', 'mount', 'ipc', 'uts'].map((type) => ({ type })) },
};

/** @param {string[]} command */
function succeeds(command) {
  const { status } = spawnSync(process.execPath, command, {
    stdio: 'ignore',
    timeout: 10_000,
    env: { ...process.env, TARE_WRITE_CODE_CACHE: '1' },
  });
  return status === 0;
}

export async function buildBundles() {
  const target = {
    name: 'bundles',
    inputs: [at('src'), at('package.json'), at('package-lock.json'), at('scripts/build/bundle.mjs'), at('bin')],
    recipe: process.version,
    outputs: [
      ...commands,
      at('dist/weigh.cjs'),
      at('dist/charts.cjs'),
      at('dist/hookup.cjs'),
      at('dist/labs.cjs'),
      at('dist/index.js'),
    ],
  };
  await whenStale(target, async () => {
    // V8 knows a cache's source by its length alone: an old cache must not outlive its bundle.
    for (const command of commands) rmSync(cacheOf(command), { force: true });
    const { build } = await import('esbuild');
    await Promise.all([
      build({ ...cli, plugins: [apart] }),
      build({ ...weigh, plugins: [chartsApart] }),
      build(charts),
      build(hookup),
      build(labs),
      build(oci),
      build(library),
    ]).catch(() => stop('the bundles cannot be built: see above'));
    rmSync(at('dist/exercises'), { recursive: true, force: true });
    cpSync(at('src/labs/exercises'), at('dist/exercises'), { recursive: true });
    for (const command of commands) writeFileSync(command, loadSeldomLazily(readFileSync(command, 'utf8')));
    writeCodeCaches();
  });
}
