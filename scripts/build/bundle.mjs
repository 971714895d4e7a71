/**
 * dist/cli.cjs is everything the command needs in one file, so that it starts without a walk through node_modules;
 * `import()` in the source stays lazy in it. dist/index.js is the library, for Node programs.
 */
import { stop } from '../command.mjs';
import { at } from '../root.mjs';
import { whenStale } from './stamp.mjs';

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: at(),
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  sourcemap: false,
  logLevel: 'warning',
};

/** @type {import('esbuild').BuildOptions} */
const cli = {
  ...common,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/cli.cjs',
  format: 'cjs',
  external: ['*.node', '@yuuang/*'],
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
};

/** @type {import('esbuild').BuildOptions} */
const library = {
  ...common,
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  format: 'esm',
  packages: 'external',
};

export async function buildBundles() {
  const target = {
    name: 'bundles',
    inputs: [at('src'), at('package.json'), at('package-lock.json'), at('scripts/build/bundle.mjs')],
    recipe: '',
    outputs: [at('dist/cli.cjs'), at('dist/index.js')],
  };
  await whenStale(target, async () => {
    const { build } = await import('esbuild');
    await Promise.all([build(cli), build(library)]).catch(() => stop('the bundles cannot be built: see above'));
  });
}
