/** `npm run test:machine [-- FILE…]`: the tests that want a machine of their own, in it. */
import { testInMachine } from './machine/test.mjs';
import { setup } from './setup.mjs';

await setup('machine');
const { passed, failed, skipped } = await testInMachine(process.argv.slice(2));
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;
