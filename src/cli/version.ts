import { versionFlags } from './flags.ts';
import { parsePlain } from './parse-plain.ts';
import type { Session } from './session.ts';

/** Of package.json; a test keeps the two alike. */
export const version = '0.1.0';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const { help } = parsePlain('version', versionFlags, { help: false }, argv, session);
  if (help) {
    const { printHelp } = await import('./help.ts');
    printHelp('version', session);
  } else {
    session.print(`tare ${version}\n`);
  }
  return 0;
}
