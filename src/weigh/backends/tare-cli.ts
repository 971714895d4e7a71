/** tare as a command, Node's own start included. */
import { dirname, join } from 'node:path';
import { builtFile } from '../../linux/native.ts';
import { commandPeer } from '../command-peer.ts';
import { payloadOf, requestOf } from '../job.ts';
import { namespaced, overlayRoot } from '../offers.ts';
import { tareTraits } from '../tare-traits.ts';
import type { Backend } from '../types/backend.ts';

export const tareCli: Backend = {
  name: 'tare-cli',
  title: 'tare run',
  family: 'container',
  traits: tareTraits,
  offers: namespaced(overlayRoot),
  probe: async ({ tare }) => ({ version: tare }),
  open: async (job, site) => {
    const { image, args } = payloadOf(job);
    const { upper, mounts = [] } = requestOf(job, site);
    const command = [
      ...[join(dirname(builtFile('cli.cjs')), '../bin/tare'), 'run', '-i', '--rm'],
      ...['--network', job.network === 'own' ? 'none' : 'host'],
      ...(upper === undefined ? [] : ['--upper', upper]),
      ...mounts.flatMap(({ source, target }) => ['--volume', `${source}:${target}`]),
      ...[image, ...args],
    ];
    return commandPeer(command, job, site, { name: 'tare-cli' });
  },
};
