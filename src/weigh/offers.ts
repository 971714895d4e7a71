/** Ways to the disk and to others that backends have in common. */
import type { Backend, Job, Offer, Offers } from './types/backend.ts';

/** Whoever mounts directories, and runs in whichever network it is started in. */
export const namespaced = (root: Offer): Offers => ({
  root,
  volume: { through: 'bind mount' },
  link: { through: 'veth' },
});

export const overlayRoot: Offer = { through: 'overlay' };
export const readOnlyRoot: Offer = { missing: 'its root is read-only' };

/** What of a backend's offers the job takes. */
function offersFor({ offers }: Backend, { storage, network }: Job): readonly Offer[] {
  return [...(storage === undefined ? [] : [offers[storage]]), ...(typeof network === 'object' ? [offers.link] : [])];
}

/** What the job's data pass through, if it is about that. */
export const way = (backend: Backend, job: Job): string | undefined =>
  offersFor(backend, job).flatMap((offer) => ('through' in offer ? [offer.through] : []))[0];

/** Why a backend cannot do the job, if so. */
export function refusal(backend: Backend, job: Job): string | undefined {
  const missing = offersFor(backend, job).flatMap((offer) => ('missing' in offer ? [offer.missing] : []));
  return missing[0] ?? backend.refuses?.(job);
}
