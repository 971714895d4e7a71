/** A backend of `tare weigh`, asked for what every peer is asked for here: `/bin/true` in the busybox image. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../../src/container/engine.ts';
import { builtFile } from '../../src/linux/native.ts';
import type { Backend, Job, Site } from '../../src/weigh/types/backend.ts';
import type { Candidate } from '../peer.ts';
import { buildDirectory } from './stopwatch.ts';

export interface How {
  readonly title?: string;
  readonly payload?: Job['payload'];
  /** One of its own otherwise. */
  readonly engine?: Engine;
}

export function weighed(backend: Pick<Backend, 'title' | 'probe' | 'open'>, how: How = {}): Candidate {
  const { title = backend.title, payload = ['/bin/true'] } = how;
  return {
    name: title,
    async open() {
      const directory = join(buildDirectory, title.replaceAll(/\W+/g, '-'));
      mkdirSync(directory, { recursive: true });
      const { signal } = new AbortController();
      const site: Site = { directory, disk: directory, engine: how.engine ?? new Engine(), tare: 'bench', signal };
      const found = await backend.probe(site);
      if ('missing' in found) throw new Error(found.missing.reason);
      const job: Job = { root: builtFile('images/busybox/rootfs'), payload, network: 'own' };
      const peer = await backend.open(job, site);
      return {
        async sample() {
          const [run] = await peer.run(1);
          return Number((run?.gone ?? 0n) - (run?.requested ?? 0n));
        },
        async close() {
          await peer[Symbol.asyncDispose]();
          rmSync(directory, { recursive: true, force: true });
        },
      };
    },
  };
}
