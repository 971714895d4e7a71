/** A file of our own in a directory that an engine reads as a whole: nothing of anybody's is touched. Pure. */
import { TareError } from '../errors.ts';
import type { HookUp, Wish } from './hook-up.ts';

const header = '# Written by `tare oci install`, and removed by `tare oci uninstall`.\n';

interface DropIn extends Pick<HookUp, 'reload' | 'use'> {
  readonly file: string;
  readonly lines: (wish: Wish) => readonly string[];
}

export function dropIn({ file, lines, ...after }: DropIn): HookUp {
  const expectOurs = (text: string): void => {
    if (!text.startsWith(header))
      throw new TareError(`edit ${file}: somebody else has written it`, { hint: 'move it to another name first' });
  };
  return {
    file,
    ...after,
    add: (before, wish) => {
      if (before !== undefined) expectOurs(before);
      return `${header}${lines(wish).join('\n')}\n`;
    },
    remove: (before) => {
      expectOurs(before);
      return undefined;
    },
  };
}

/** TOML's basic string; a path has no other characters that it would not take. */
export const quoted = (text: string): string => JSON.stringify(text);
