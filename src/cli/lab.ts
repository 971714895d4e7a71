import { isatty } from 'node:tty';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { didYouMean } from '../spec/nearest.ts';
import { columnsOf } from './columns.ts';
import { type LabDraft, labFlags } from './flags/lab.ts';
import { throwProblems } from './problems.ts';
import { readFlags } from './read-flags.ts';
import type { Session } from './session.ts';
import { stateHome } from './state-home.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = parse(argv, session);
  if (command.help) {
    const { printHelp } = await import('./help.ts');
    printHelp('lab', session);
    return 0;
  }
  const { runLab } = await import('../labs/main.ts');
  return runLab(command, {
    print: session.print,
    columns: columnsOf(process.stdout),
    rows: process.stdout.rows === 0 ? undefined : process.stdout.rows,
    guided: false,
    colours: session.colours(1) && !command.plain,
    env: session.env,
    cwd: session.cwd,
    uid: process.geteuid?.() ?? 0,
    stateHome: stateHome(session, 'progress'),
    bin: join(dirname(import.meta.dirname), 'bin'),
    didYouMean,
    question: ask,
  });
}

/** Actions, what follows them, and flags, in any order. */
function parse(argv: readonly string[], session: Session): LabDraft {
  const draft: LabDraft = { words: [], json: false, plain: false, play: false, machine: false, help: false };
  const words: string[] = [];
  const problems: string[] = [];
  for (let rest = argv; rest.length > 0;) {
    const reading = readFlags(labFlags, rest, draft, session);
    problems.push(...reading.problems);
    const [word, ...more] = reading.rest;
    if (word !== undefined) words.push(word);
    rest = more;
  }
  throwProblems('lab', problems);
  return { ...draft, words };
}

/** Undefined where nobody sits at a terminal, or they end the input. */
async function ask(prompt: string): Promise<string | undefined> {
  if (!isatty(0) || !isatty(1)) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const ended = new Promise<undefined>((resolve) => lines.once('close', () => resolve(undefined)));
  try {
    return await Promise.race([lines.question(prompt), ended]);
  } finally {
    lines.close();
  }
}
