/** tare as a command, Node's own start included. */
import { dirname, join } from 'node:path';
import { builtFile } from '../../linux/native.ts';
import { commandPeer } from '../command-peer.ts';
import { requestOf } from '../job.ts';
import { tareTraits } from '../tare-traits.ts';
import type { Backend } from '../types/backend.ts';

export const tareCli: Backend = {
  name: 'tare-cli',
  title: 'tare run',
  family: 'container',
  traits: tareTraits,
  probe: async ({ tare }) => ({ version: tare }),
  open: async (job, site) => {
    const { image, args } = requestOf(job);
    const command = [join(dirname(builtFile('cli.cjs')), '../bin/tare'), 'run', '-i', '--rm', '--network'];
    return commandPeer([...command, job.network === 'own' ? 'none' : 'host', image, ...args], job, site, {
      name: 'tare-cli',
    });
  },
};
