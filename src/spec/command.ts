/** What the process is started with: from the request, else from the image, else as Docker has it. */
import type { ImageConfig } from './image-config.ts';
import type { RunRequest } from './request.ts';
import type { ResolvedUser } from './spec-facts.ts';

/** The program and its arguments; empty where nobody names any. */
export function commandOf<Word>(
  { entrypoint, args = [] }: { readonly entrypoint?: readonly Word[]; readonly args?: readonly Word[] },
  image: ImageConfig,
): (Word | string)[] {
  const before = entrypoint ?? image.entrypoint ?? [];
  // The image's arguments were meant for its own entry point.
  const after = args.length > 0 || entrypoint !== undefined ? args : (image.cmd ?? []);
  return [...before, ...after];
}

export function directoryOf({ cwd }: RunRequest, { workingDir = '' }: ImageConfig): string {
  return cwd ?? (workingDir.startsWith('/') ? workingDir : `/${workingDir}`);
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * `PATH`, `HOSTNAME`, `TERM` at a terminal and `HOME`, unless the image or then the request says otherwise. A variable
 * keeps the place where it was first named.
 */
export function environmentOf(request: RunRequest, image: ImageConfig, user: ResolvedUser, hostname: string): string[] {
  const variables = [
    `PATH=${defaultPath}`,
    `HOSTNAME=${hostname}`,
    ...(request.terminal === true ? ['TERM=xterm'] : []),
    `HOME=${user.home ?? (user.uid === 0 ? '/root' : '/')}`,
    // Some images name variables without a value: nothing to set.
    ...(image.env ?? []).filter((variable) => variable.indexOf('=') > 0),
    ...(request.env ?? []),
  ];
  const byName = new Map(variables.map((variable) => [variable.slice(0, variable.indexOf('=')), variable]));
  return [...byName.values()];
}
