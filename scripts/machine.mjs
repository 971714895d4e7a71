/** `npm run machine [-- --box]`: builds the test machine, unless it is there; and packs it as a box for vagrant. */
import { parseArgs } from 'node:util';

import { packBox } from './machine/box.mjs';
import { buildMachine } from './machine/image.mjs';
import { setup } from './setup.mjs';

const { values } = parseArgs({ options: { box: { type: 'boolean' } } });
await setup(values.box ? 'box' : 'machine');
const image = buildMachine();
process.stdout.write(`${values.box ? await packBox(image) : image.disk}\n`);
