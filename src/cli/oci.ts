/** `tare oci`: tells container engines of tare-oci. */
import { TareError } from '../errors.ts';
import { didYouMean } from '../spec/nearest.ts';
import { type OciDraft, ociFlags } from './flags/oci.ts';
import { parsePlain } from './parse-plain.ts';
import { quote } from './quote.ts';
import type { Session } from './session.ts';

const actions = ['install', 'uninstall'] as const;

export async function main([word = '--help', ...argv]: readonly string[], session: Session): Promise<number> {
  if (word === '--help' || word === '-h') return help(session);
  const action = actions.find((known) => known === word);
  if (action === undefined)
    throw new TareError(`oci ${quote(word)}: no such action${didYouMean(word, actions)}`, {
      hint: 'see tare oci --help',
    });
  const draft: OciDraft = { root: '/', isDefault: false, dryRun: false, undo: action === 'uninstall', help: false };
  const { engine, help: asked, ...command } = parsePlain(`oci ${action}`, ociFlags, draft, argv, session);
  if (asked) return help(session);
  if (engine === undefined)
    throw new TareError(`oci ${action}: no --for (expected --for ENGINE)`, { hint: 'see tare oci --help' });
  const { hookUp } = await import('../hookup/main.ts');
  return hookUp({ ...command, engine }, session);
}

async function help(session: Session): Promise<number> {
  const { printHelp } = await import('./help.ts');
  printHelp('oci', session);
  return 0;
}
