import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { create } from '../create.ts';
import { attend } from '../foreground.ts';
import { remove, start } from '../later.ts';
import { createRequest } from './create.ts';

/** `create`, `start` and, unless detached, what comes after the container's end. */
export async function main(words: Words, context: Context): Promise<number> {
  const request = createRequest(words);
  const alone = words.has('detach') || request.consoleSocket !== undefined;
  let terminal: number | undefined;
  const onTerminal = (fd: number): void => {
    terminal = fd;
  };
  const { saved, child } = await create(context, alone ? request : { ...request, onTerminal });
  try {
    await start(context, saved);
  } catch (error) {
    if (context.store.find(saved.id) !== undefined) await remove(context, saved);
    throw error;
  }
  if (words.has('detach')) return 0;
  const status = await attend(context.engine, child, terminal);
  if (!words.has('keep')) await remove(context, saved);
  return status;
}
