/** `npm run bench [-- ARG…]`: sets everything up, the peers included, then runs bench/main.ts. */
import { run } from './command.mjs';
import { at } from './root.mjs';
import { setup } from './setup.mjs';

await setup('bench');
const { build } = await import('esbuild');
await build({
  absWorkingDir: at(),
  entryPoints: ['./bench/main.ts'],
  outfile: 'dist/bench.js',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
});
run(process.execPath, ['--expose-gc', at('dist/bench.js'), ...process.argv.slice(2)]);
