/**
 * The shell of a guided session: bash on the student's own terminal, with nothing in between, so that no end of this process can
 * leave a terminal broken. Before each prompt it asks us, over two pipes:
 *
 *     bash                                     tare lab run
 *       │ PROMPT_COMMAND ── "17 prompt" ──────▶ │ checks the current step
 *       │ prints lines   ◀── STX 17, lines ──── │
 *       │ shows its prompt ◀── EOT 17 ───────── │
 *       │ lab hint       ── "18 hint" ────────▶ │ the same
 *
 * A number ties an answer to its question: whoever was interrupted with Ctrl-C reads over what is left of the last one. Functions and
 * pipes are inherited by a bash inside, be it in other namespaces: it asks just so.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { markerVariable } from './marker.ts';
import type { Place } from './place.ts';

/** Where bash keeps our pipes: numbers that nobody uses by hand. */
const [answers, questions] = [252, 253];

const rc = (prompt: string): string => `
[ -r ~/.bashrc ] && . ~/.bashrc
exec ${answers}<&3 3<&- ${questions}>&4 4>&-
__tare_ask() {
  local line id=$RANDOM$RANDOM heard=
  ( echo "$id $*" >&${questions} ) 2>/dev/null || { echo 'tare lab run has ended: leave this shell with exit'; return 1; }
  while IFS= read -r -u ${answers} line; do
    case $line in
      $'\\002'$id) heard=1 ;;
      $'\\004'$id) return 0 ;;
      *) [ -n "$heard" ] && printf '%s\\n' "$line" ;;
    esac
  done
  echo 'tare lab run has ended: leave this shell with exit'
}
lab() { __tare_ask "\${@:-text}"; }
PROMPT_COMMAND='__tare_ask prompt'
PS1='${prompt}'
export PROMPT_COMMAND PS1
export -f __tare_ask lab
`;

export interface Shell {
  readonly place: Place;
  readonly bin: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Such as `lab 1 \$ `: bash's own escapes. */
  readonly prompt: string;
  /** What is printed for `prompt`, or for the words after `lab`. */
  readonly answer: (words: string) => Promise<string>;
}

/** From its start to its end; its exit code. */
export async function runShell({ place, bin, env, prompt, answer }: Shell): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tare-lab-'));
  const file = join(folder, 'rc');
  writeFileSync(file, rc(prompt));
  const bash = spawn('/bin/bash', ['--rcfile', file, '-i'], {
    cwd: place.dir,
    env: { ...env, PATH: `${bin}:${env.PATH ?? ''}`, [markerVariable]: place.tag },
    stdio: ['inherit', 'inherit', 'inherit', 'pipe', 'pipe'],
  });
  const forget = passOn((signal) => bash.kill(signal));
  const [, , , theirs, ours] = bash.stdio as readonly [null, null, null, Writable, Readable];
  theirs.on('error', () => {}); // the shell has gone
  const lines = createInterface({ input: ours });
  let last: Promise<unknown> = Promise.resolve();
  lines.on('line', (line) => {
    const [id = '', ...words] = line.split(' ');
    // One after the other: they change the same progress.
    last = last.then(async () => {
      const text = await answer(words.join(' '));
      theirs.write(`\u0002${id}\n${text}${text === '' || text.endsWith('\n') ? '' : '\n'}\u0004${id}\n`);
    });
  });
  try {
    return await new Promise<number>((resolve, reject) =>
      bash.once('error', reject).once('exit', (code, signal) => resolve(code ?? (signal === null ? 0 : 128))),
    );
  } finally {
    forget();
    lines.close();
    ours.destroy();
    theirs.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ctrl-C is the shell's affair; a terminal that is closed ends both. */
function passOn(send: (signal: NodeJS.Signals) => void): () => void {
  const handlers = (['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => {
    const handler = () => {
      if (signal === 'SIGTERM' || signal === 'SIGHUP') send('SIGHUP');
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => handlers.forEach((forget) => forget());
}
