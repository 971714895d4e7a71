/** `npm test [-- FILE…]`: sets everything up, then runs all tests, or those of the given files. */
import { run } from './command.mjs';
import { at } from './root.mjs';
import { setup } from './setup.mjs';

await setup('test');
run(process.execPath, [at('node_modules/vitest/vitest.mjs'), 'run', ...process.argv.slice(2)]);
