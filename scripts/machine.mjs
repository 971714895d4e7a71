/**
 * `npm run machine [-- --box | -- --lab N --progress FOLDER --folder FOLDER]`: builds the test machine, unless it is there; packs it as a box for
 * vagrant; or has a lab in it, which is what `tare lab run N --machine` does.
 */
import { parseArgs } from 'node:util';

import { packBox } from './machine/box.mjs';
import { buildMachine } from './machine/image.mjs';
import { runLab } from './machine/lab.mjs';
import { setup } from './setup.mjs';

const { values } = parseArgs({
  options: {
    box: { type: 'boolean' },
    lab: { type: 'string' },
    progress: { type: 'string' },
    folder: { type: 'string' },
  },
});
await setup(values.box ? 'box' : 'machine');
const { lab, progress, folder } = values;
if (lab !== undefined && progress !== undefined && folder !== undefined)
  process.exitCode = await runLab(lab, progress, folder);
else {
  const image = buildMachine();
  process.stdout.write(`${values.box ? await packBox(image) : image.disk}\n`);
}
