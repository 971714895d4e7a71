/** Every lab that any Linux machine can play. */
import { ownLabs } from '../../src/labs/exercises.ts';
import { testLab, titleOf, wantsMachine } from './labs.ts';

for (const lab of ownLabs()) {
  if (!wantsMachine(lab)) testLab(lab);
  else process.stderr.write(`${titleOf(lab)}: is played in the test machine\n`);
}
