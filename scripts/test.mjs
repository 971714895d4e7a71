/** `npm test [-- FILE…]`: sets everything up, then runs all tests, or those of the given files. */
import { run } from './command.mjs';
import { at } from './root.mjs';
import { setup } from './setup.mjs';

// In the test machine nobody looks at pages.
await setup(process.env.TARE_MACHINE === 'here' ? 'kernel' : 'test');
run(process.execPath, [at('node_modules/vitest/vitest.mjs'), 'run', ...process.argv.slice(2)]);
