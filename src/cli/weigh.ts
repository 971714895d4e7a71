import { isatty } from 'node:tty';
import { join } from 'node:path';
import { TareError } from '../errors.ts';
import type { WeighCommand } from '../weigh/types/command.ts';
import { columnsOf } from './columns.ts';
import { type WeighDraft, weighFlags } from './flags/weigh.ts';
import { throwProblems } from './problems.ts';
import { quote } from './quote.ts';
import { readFlags } from './read-flags.ts';
import type { Session } from './session.ts';
import { stateHome } from './state-home.ts';
import { version } from './version.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = parse(argv, session);
  if (command.help) {
    const { printHelp } = await import('./help.ts');
    printHelp('weigh', session);
    return 0;
  }
  const { runWeigh } = await import('../weigh/main.ts');
  return runWeigh(command, {
    tare: version,
    print: session.print,
    complain: session.complain,
    columns: columnsOf(process.stdout),
    color: session.colours(1),
    watched: isatty(2) ? process.stderr : undefined,
    archive: join(stateHome(session, 'raw samples'), 'tare/weighings'),
    signal: interruption(),
  });
}

/** The first Ctrl-C ends the measuring and keeps what was measured; the second is the terminal's own. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => controller.abort(new TareError(`weigh: ${signal}`)));
  return controller.signal;
}

/** Questions and flags in any order. */
function parse(argv: readonly string[], session: Session): WeighDraft {
  const draft: WeighDraft = { words: [], effort: 'normal', files: {}, quick: false, full: false, help: false };
  const flags = weighFlags.flatMap((group) => group.flags);
  const words: string[] = [];
  const problems: string[] = [];
  for (let rest = argv; rest.length > 0;) {
    const reading = readFlags(flags, rest, draft, session);
    problems.push(...reading.problems);
    const [word, ...more] = reading.rest;
    if (word !== undefined) words.push(word);
    rest = more;
  }
  if (draft.quick && draft.full) problems.push('--quick, --full: one of them');
  const files = words.filter((word) => word.endsWith('.json'));
  if (files.length > (draft.compare === undefined ? 0 : 1))
    problems.push(`${files.map(quote).join(', ')}: a result file goes with --compare OLD.json, and one at most`);
  throwProblems('weigh', problems);
  const effort: WeighCommand['effort'] = draft.quick ? 'quick' : draft.full ? 'full' : 'normal';
  return { ...draft, words, effort };
}
