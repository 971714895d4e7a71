/** Labs that want what the test machine has. */
import { ownLabs } from '../../src/labs/exercises.ts';
import { alsoInMachine, testLab, wantsMachine } from '../kernel/labs.ts';

for (const lab of ownLabs().filter((one) => wantsMachine(one) || alsoInMachine(one))) testLab(lab);
