import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import type { CreateRequest } from '../create-request.ts';
import { create } from '../create.ts';

export async function main(words: Words, context: Context): Promise<number> {
  await create(context, createRequest(words));
  return 0;
}

export function createRequest(words: Words): CreateRequest {
  const [consoleSocket, pidFile] = [words.value('console-socket'), words.value('pid-file')];
  return {
    id: words.id,
    bundle: words.value('bundle') ?? process.cwd(),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(pidFile === undefined ? {} : { pidFile }),
    preserveFds: (words.count('preserve-fds') ?? 0) + listenFds(),
    listenFds: listenFds(),
    noPivot: words.has('no-pivot'),
    noNewKeyring: words.has('no-new-keyring'),
  };
}

/** sd_listen_fds(3): a service manager that hands sockets to the runtime means the container. */
export const listenFds = (): number => Number(/^\d{1,4}$/.exec(process.env.LISTEN_FDS ?? '')?.[0] ?? 0);
