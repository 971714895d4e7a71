/** A job in tare's own words. */
import { join } from 'node:path';
import { prepare } from '../container/prepare.ts';
import type { MountRequest, RunRequest } from '../spec/request.ts';
import { places, volumeOf } from './storage.ts';
import type { Job, Site } from './types/backend.ts';

/** What tare makes of the job, for those who are to do the same. */
export async function specOf(job: Job, site: Site): ReturnType<typeof prepare> {
  const { engine } = site;
  const request = { ...requestOf(job, site), name: 'tare-weigh' };
  return prepare(engine, request, { payloadFds: 3, waitForStart: false, dieWithParent: true });
}

type Request = Pick<RunRequest, 'image' | 'args' | 'namespaces' | 'mounts' | 'upper'>;

/** The image, and what runs in it: all that a virtual machine is told. */
export function payloadOf({ root, payload }: Job): { image: string; args: readonly string[] } {
  return { image: root === '/' ? 'host' : `dir:${root}`, args: payload };
}

export function requestOf(job: Job, site: Site): Request {
  const { network, storage } = job;
  return {
    ...payloadOf(job),
    ...(network === 'own'
      ? {}
      : { namespaces: { network: network === 'host' ? network : { path: network.namespace } } }),
    ...(storage === 'volume' ? { mounts: [volumeIn(site)] } : {}),
    ...(storage === 'root' ? { upper: join(site.disk, 'upper') } : {}),
  };
}

const volumeIn = (site: Site): MountRequest => ({
  type: 'bind',
  source: volumeOf(site),
  target: places.volume,
  options: ['rw'],
});

/** Words to put before a command that runs in whichever network it finds itself in; not timed. */
export const joining = ({ network }: Job): string[] =>
  typeof network === 'object' ? ['nsenter', `--net=${network.namespace}`] : [];
