import { TareError } from '../../errors.ts';
import type { Words } from '../command-line.ts';

/** Also `restore`. */
export async function main(words: Words): Promise<number> {
  throw new TareError(`checkpoint or restore container ${words.id}: not supported`, {
    hint: 'it takes CRIU: use runc or crun for this container',
  });
}
