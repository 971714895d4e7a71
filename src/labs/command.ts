/** Scripts of a lab's file, as programs that the lab starts. */
import { spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { markerVariable } from './marker.ts';
import { openNameless } from './nameless.ts';
import type { Place } from './place.ts';
import { systemPath } from './system.ts';

/** What scripts of labs find ready: `best 20 COMMAND…` prints how many ms the fastest of 20 runs took. */
const prelude = `
best() {
  local rounds=$1 least= i began took; shift
  for ((i = 0; i < rounds; i++)); do
    began=\${EPOCHREALTIME/[.,]/}
    "$@" >/dev/null 2>&1 </dev/null
    took=$((\${EPOCHREALTIME/[.,]/} - began))
    [[ -z $least || $took -lt $least ]] && least=$took
  done
  printf '%d.%03d\\n' $((least / 1000)) $((least % 1000))
}
`;

export interface Outcome {
  readonly status: number | undefined;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

export interface Script {
  readonly text: string;
  readonly place: Place;
  /** Where `tare` is found. */
  readonly bin: string;
}

/** The environment of all that a lab starts: its marker is how it is found again. */
function labEnvironment({ tag }: Pick<Place, 'tag'>, bin: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${bin}:${systemPath}:${dirname(process.execPath)}`,
    LC_ALL: 'C.UTF-8',
    [markerVariable]: tag,
  };
}

/** Runs a script to its end; what it has left in the background stays. */
export async function runScript({ text, place, bin }: Script): Promise<Outcome> {
  const file = openNameless(); // a pipe would be held open by what stays in the background
  try {
    const child = spawn('/bin/bash', ['--noprofile', '--norc', '-c', prelude + text], {
      cwd: place.dir,
      env: labEnvironment(place, bin),
      stdio: ['ignore', file, file],
      detached: true,
    });
    const status = await new Promise<number | undefined>((resolve, reject) =>
      child.once('error', reject).once('exit', (code) => resolve(code ?? undefined)),
    );
    return { status, output: readFileSync(`/proc/self/fd/${file}`, 'utf8') };
  } finally {
    closeSync(file);
  }
}
