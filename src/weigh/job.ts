/** A job in tare's own words. */
import { prepare } from '../container/prepare.ts';
import type { Job, Site } from './types/backend.ts';

/** What tare makes of the job, for those who are to do the same. */
export async function specOf(job: Job, { engine }: Site): ReturnType<typeof prepare> {
  const request = { ...requestOf(job), name: 'tare-weigh' };
  return prepare(engine, request, { payloadFds: 3, waitForStart: false, dieWithParent: true });
}

export function requestOf({ root, payload, network }: Job): {
  image: string;
  args: readonly string[];
  namespaces?: { network: 'host' };
} {
  const image = root === '/' ? 'host' : `dir:${root}`;
  return { image, args: payload, ...(network === 'host' ? { namespaces: { network } } : {}) };
}
