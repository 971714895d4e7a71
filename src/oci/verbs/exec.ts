import { readFileSync } from 'node:fs';
import { TareError } from '../../errors.ts';
import type { Process } from '../../spec/spec.ts';
import { adaptProcess } from '../adapt.ts';
import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { exec } from '../exec.ts';
import { attend } from '../foreground.ts';
import type { Saved } from '../state.ts';
import { listenFds } from './create.ts';

export async function main(words: Words, context: Context): Promise<number> {
  const saved = context.store.get(words.id);
  const [pidFile, consoleSocket, file] = [
    words.value('pid-file'),
    words.value('console-socket'),
    words.value('process'),
  ];
  const plain = file === undefined ? processFrom(words, saved) : readProcess(file);
  const process = adaptProcess(plain, context.grantable, (text) => context.log.warn(text)) as unknown as Process;
  const alone = words.has('detach') || consoleSocket !== undefined;
  let terminal: number | undefined;
  const onTerminal = (fd: number): void => {
    terminal = fd;
  };
  const child = await exec(context, saved, {
    process,
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    preserveFds: (words.count('preserve-fds') ?? 0) + listenFds(),
    ignorePaused: words.has('ignore-paused'),
    ...(alone ? {} : { onTerminal }),
  });
  return words.has('detach') ? 0 : attend(context.engine, child, terminal);
}

type Document = Record<string, unknown>;

function readProcess(file: string): Document {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Document;
  } catch (cause) {
    throw new TareError(`read ${file}, the process to run: ${(cause as Error).message}`, { cause });
  }
}

/** What the command line says; where it is silent, what the container's own process is. */
function processFrom(words: Words, { spec }: Saved): Document {
  const { process } = spec;
  const args = words.operands.slice(1);
  if (args.length === 0)
    throw new TareError(`exec in container ${words.id}`, { hint: 'name a command, or give --process' });
  const capabilities = words.values('cap');
  const added = Object.fromEntries(
    (['bounding', 'effective', 'permitted'] as const).map((set) => [
      set,
      [...new Set([...(process.capabilities?.[set] ?? []), ...capabilities])],
    ]),
  );
  const { terminal: _, consoleSize: __, ...rest } = process;
  return {
    ...rest,
    args,
    terminal: words.has('tty'),
    cwd: words.value('cwd') ?? process.cwd,
    env: withVariables(process.env, words.values('env')),
    user: userFrom(words, process.user),
    ...(words.has('no-new-privs') ? { noNewPrivileges: true } : {}),
    ...(capabilities.length === 0 ? {} : { capabilities: { ...process.capabilities, ...added } }),
    apparmorProfile: words.value('apparmor') ?? process.apparmorProfile,
    selinuxLabel: words.value('process-label') ?? process.selinuxLabel,
  };
}

/** getenv(3) finds the first of a name: one that is given anew takes the old one's place. */
function withVariables(env: readonly string[] = [], given: readonly string[]): string[] {
  const nameOf = (variable: string): string => variable.replace(/=.*$/s, '');
  return [...new Map([...env, ...given].map((variable) => [nameOf(variable), variable])).values()];
}

/** `UID[:GID]`: numbers, since whose names they are is the image's business, and engines look them up. */
function userFrom(words: Words, user: Process['user']): Process['user'] {
  const asked = words.value('user');
  const additional = words.values('additional-gids').map((text) => numberOf(text, '--additional-gids'));
  const [uid, gid] = asked?.split(':') ?? [];
  return {
    ...user,
    ...(uid === undefined ? {} : { uid: numberOf(uid, '--user') }),
    ...(gid === undefined ? {} : { gid: numberOf(gid, '--user') }),
    ...(additional.length === 0 ? {} : { additionalGids: [...(user.additionalGids ?? []), ...additional] }),
  };
}

function numberOf(text: string, flag: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new TareError(`read ${flag} ${JSON.stringify(text)}`, { hint: 'it takes numbers, such as 1000 or 1000:1000' });
}
