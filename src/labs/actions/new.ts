import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TareError } from '../../index.ts';
import type { Desk, LabCommand } from '../desk.ts';
import { templateFile } from '../exercises.ts';

/** A file to begin with, that can be played at once. */
export function scaffold([name = '']: readonly string[], _: LabCommand, { cwd, print }: Desk): number {
  if (!/^[a-z0-9-]+$/.test(name))
    throw new TareError(`lab new ${name}: not a name for a lab`, { hint: 'small letters, digits and -' });
  const path = join(cwd, `${name}.yaml`);
  try {
    writeFileSync(path, readFileSync(templateFile, 'utf8').replace(/^name: .*$/m, `name: ${name}`), { flag: 'wx' });
  } catch (cause) {
    throw new TareError(`write ${path}`, { errno: (cause as NodeJS.ErrnoException).code ?? '', cause });
  }
  print(
    `${path}\nWrite it, try it with tare lab start ${name}.yaml, and test it with tare lab lint --play ${name}.yaml\n`,
  );
  return 0;
}
