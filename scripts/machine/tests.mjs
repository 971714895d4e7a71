/**
 * dist/machine: tests/kernel and tests/machine as plain JavaScript. A file is loaded from elsewhere than it was written,
 * so that `import.meta` becomes the place of its source in the machine.
 */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

import { at } from '../root.mjs';

/** Where the machine has the checkout. */
export const checkout = '/tare';

const folders = ['tests/kernel', 'tests/machine'];

/**
 * Those that the host has tested, and that are no others in this machine, but slower: they start machines of their own under
 * TCG, weigh peers, ask how the native code was built, or play the labs that need no more than a host has.
 */
const elsewhere = /^(guest|(bad-input-)?vm(-\w+)?|weigh(-\w+)?|native|labs|lab-command)\.test\.ts$/;

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: at(),
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
};

/** @type {import('esbuild').Plugin} */
const sourcePlaces = {
  name: 'places of sources',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const place = join(checkout, relative(at(), path));
      const contents = readFileSync(path, 'utf8')
        .replaceAll(/(?<!')import\.meta\.dirname/g, JSON.stringify(dirname(place)))
        .replaceAll(/(?<!')import\.meta\.url/g, JSON.stringify(pathToFileURL(place)));
      return { loader: 'ts', contents };
    });
  },
};

export async function bundleTests() {
  rmSync(at('dist/machine'), { recursive: true, force: true });
  const entryPoints = folders.flatMap((folder) =>
    readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts') && !(folder === 'tests/kernel' && elsewhere.test(name)))
      .map((name) => join(folder, name)),
  );
  const { build } = await import('esbuild');
  await Promise.all([
    build({
      ...common,
      entryPoints,
      outdir: 'dist/machine',
      outbase: '.',
      splitting: true,
      sourcemap: true,
      plugins: [sourcePlaces],
    }),
    build({ ...common, entryPoints: ['tests/machine/main.ts'], outfile: 'dist/machine/main.js' }),
  ]);
}
