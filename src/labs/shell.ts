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
 * pipes are inherited by a bash inside, be it in other namespaces: it asks just so. Nothing in them forks: in a pid namespace whose
 * pid 1 has ended, bash would fail at it and begin anew with its prompt, for ever. Dash and others drop functions from their
 * environment, and a bash below them does not ask.
 *
 * A line that begins with FF or VT is a stop, where its reader presses Enter (pages.ts); who has typed on already is not kept.
 */
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { markerVariable } from './marker.ts';
import { openNameless } from './nameless.ts';
import { clearing, Pages, stop, turn } from './pages.ts';
import type { Place } from './place.ts';

/** Where bash keeps our pipes: numbers that nobody uses by hand. */
const [answers, questions] = [252, 253];

/** An ANSI-C string of bash. */
const quoted = (text: string): string =>
  `$'${[...text].map((letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}'`;

const rc = (prompt: string, clear: string): string => `
[ -r ~/.bashrc ] && . ~/.bashrc
exec ${answers}<&3 3<&- ${questions}>&4 4>&- 5<&-
__tare_stop() {
  [ -t 0 ] && [ -t 1 ] && ! read -t 0 || return 0
  printf '%s' "$1"; IFS= read -rs; printf '%s' "$2"
}
__tare_ask() {
  local line id=$RANDOM$RANDOM heard= gone=
  trap '' PIPE; { echo "$id $*" >&${questions} || gone=1; } 2>/dev/null; trap - PIPE
  [ -z "$gone" ] || { echo 'tare lab run has ended: leave this shell with exit'; return 1; }
  while IFS= read -r -u ${answers} line; do
    case $line in
      $'\\002'$id) heard=1 ;;
      $'\\004'$id) return 0 ;;
      ${quoted(turn)}*) [ -n "$heard" ] && __tare_stop "\${line#?}" ${quoted(clear)} ;;
      ${quoted(stop)}*) [ -n "$heard" ] && __tare_stop "\${line#?}" $'\\r\\e[K' ;;
      *) [ -n "$heard" ] && printf '%s\\n' "$line" ;;
    esac
  done
  echo 'tare lab run has ended: leave this shell with exit'
}
lab() { __tare_ask "\${@:-text}"; }
PROMPT_COMMAND='! declare -F __tare_ask >/dev/null || __tare_ask prompt'
PS1='${prompt}'
export PROMPT_COMMAND PS1
export -f __tare_ask __tare_stop lab
__tare_ask opening
`;

export interface Shell {
  readonly place: Place;
  readonly bin: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Such as `lab 1 \$ `: bash's own escapes. */
  readonly prompt: string;
  /** Of the terminal; undefined where nobody is to press a key. */
  readonly rows: number | undefined;
  readonly columns: number;
  /** Whether a page begins on a clear screen. */
  readonly clears: boolean;
  /** Prints, as it comes, what there is to say to `opening`, `prompt`, or the words after `lab`. */
  readonly answer: (words: string, print: (text: string) => void) => Promise<void>;
}

/** From its start to its end; its exit code. */
export async function runShell({ place, bin, env, prompt, answer, ...page }: Shell): Promise<number> {
  const script = openNameless();
  writeSync(script, rc(prompt, page.clears ? clearing : ''));
  const bash = spawn('/bin/bash', ['--rcfile', '/dev/fd/5', '-i'], {
    cwd: place.dir,
    env: { ...env, PATH: `${bin}:${env.PATH ?? ''}`, [markerVariable]: place.tag },
    stdio: ['inherit', 'inherit', 'inherit', 'pipe', 'pipe', script],
  });
  const forget = passOn((signal) => bash.kill(signal));
  closeSync(script);
  const [, , , theirs, ours] = bash.stdio as unknown as readonly [null, null, null, Writable, Readable];
  theirs.on('error', () => {}); // the shell has gone
  const lines = createInterface({ input: ours });
  let last: Promise<unknown> = Promise.resolve();
  lines.on('line', (line) => {
    const [id = '', ...words] = line.split(' ');
    // One after the other: they change the same progress.
    last = last.then(async () => {
      const pages = new Pages(page);
      theirs.write(`\u0002${id}\n`);
      await answer(words.join(' '), (text) => theirs.write(pages.add(text)));
      theirs.write(`${pages.end()}\u0004${id}\n`);
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
