/** Flags that a habit from docker-run(1) may type and tare does not have, each with what to do instead. */
import type { Foreign } from './read-flags.ts';

const noDaemon = 'it keeps no daemon, so a container lives as long as its command';
const oneEnd = 'the command inherits standard input, output and error as they are';
const noPorts = 'a container has no network of its own to publish yet; --network host shares that of this machine';
const ownResolver = 'mount a file of your own: -v ./hosts:/etc/hosts or -v ./resolv.conf:/etc/resolv.conf';
const noHealth = 'run the check yourself, next to the container';
const noPull = 'images are local: busybox, host, dir:PATH or oci:PATH';

const takesValue = true;

export const foreignFlags: readonly Foreign[] = [
  { name: 'add-host', takesValue, instead: ownResolver },
  { name: 'attach', short: 'a', takesValue, instead: oneEnd },
  { name: 'blkio-weight', takesValue, instead: 'use --io-weight, from 1 to 10000' },
  { name: 'cgroup-parent', takesValue, instead: 'start tare in the cgroup that is to be the parent' },
  { name: 'cpu-period', takesValue, instead: 'use --cpus' },
  { name: 'cpu-quota', takesValue, instead: 'use --cpus' },
  { name: 'cpu-shares', short: 'c', takesValue, instead: 'use --cpu-weight, where 100 is the usual share' },
  { name: 'detach', short: 'd', takesValue: false, instead: `${noDaemon}; let the shell run it in the background: &` },
  { name: 'dns', takesValue, instead: ownResolver },
  { name: 'dns-option', takesValue, instead: ownResolver },
  { name: 'dns-search', takesValue, instead: ownResolver },
  { name: 'expose', takesValue, instead: noPorts },
  { name: 'gpus', takesValue, instead: 'name the device nodes: --device /dev/dri/renderD128' },
  { name: 'health-cmd', takesValue, instead: noHealth },
  { name: 'label', short: 'l', takesValue, instead: 'use --annotation' },
  { name: 'log-driver', takesValue, instead: oneEnd },
  { name: 'log-opt', takesValue, instead: oneEnd },
  { name: 'memory-swappiness', takesValue, instead: 'cgroup v2 has no swappiness; limit --memory-swap' },
  { name: 'net', takesValue, instead: 'use --network' },
  {
    name: 'oom-kill-disable',
    takesValue: false,
    instead: 'cgroup v2 always kills; --cgroup-conf memory.high=SIZE throttles',
  },
  { name: 'platform', takesValue, instead: noPull },
  { name: 'publish', short: 'p', takesValue, instead: noPorts },
  { name: 'publish-all', short: 'P', takesValue: false, instead: noPorts },
  { name: 'pull', takesValue, instead: noPull },
  { name: 'restart', takesValue, instead: noDaemon },
  { name: 'runtime', takesValue, instead: 'it is the runtime' },
  { name: 'shm-size', takesValue, instead: 'use --tmpfs /dev/shm:size=SIZE' },
  { name: 'sig-proxy', takesValue: false, instead: 'signals always reach the command' },
  { name: 'storage-opt', takesValue, instead: 'use --upper on a filesystem with a quota' },
  { name: 'volume-driver', takesValue, instead: 'use --volume with a path' },
  { name: 'volumes-from', takesValue, instead: 'name the paths again with --volume' },
];
