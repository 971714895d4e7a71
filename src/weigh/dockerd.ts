/** dockerd, on a socket of its own, with the image loaded. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { TareError } from '../errors.ts';
import { Daemon } from './daemon.ts';
import { groupOf } from './groups.ts';
import { imageArchive, loadedMark } from './image-archive.ts';
import type { Job, Site } from './types/backend.ts';

export interface Dockerd {
  readonly api: Docker;
  readonly daemon: Daemon;
}

export async function startDockerd(job: Job, site: Site): Promise<Dockerd> {
  const { default: Client } = await import('dockerode');
  const archive = await imageArchive(job, site);
  const { directory } = site;
  const socketPath = join(directory, 'sock');
  const api = new Client({ socketPath });
  // A pid in it means another process in the next pid namespace.
  rmSync(join(directory, 'exec'), { recursive: true, force: true });
  mkdirSync(join(directory, 'exec'), { recursive: true });
  const ready = async (): Promise<boolean> => api.ping().then(Boolean, () => false);
  const daemon = await Daemon.start({ name: 'dockerd', command: commandFor(site, socketPath), ready }, job, site);
  try {
    await loadImage(api, archive, loadedMark(job, site));
    return { api, daemon };
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
}

/** It leaves the host's network as it is: containers have none, or the host's. */
function commandFor(site: Site, socketPath: string): [string, ...string[]] {
  const { directory, disk } = site;
  const config = join(directory, 'daemon.json');
  writeFileSync(config, JSON.stringify({ 'deprecated-key-path': join(directory, 'key.json') }));
  return [
    ...(['dockerd', '--config-file', config, '--host', `unix://${socketPath}`] as const),
    ...['--data-root', join(disk, 'data'), '--exec-root', join(directory, 'exec')],
    ...['--pidfile', join(directory, 'exec', 'pid'), '--storage-driver', 'overlay2'],
    ...['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
    ...['--cgroup-parent', `/${groupOf(site)}`, '--exec-opt', 'native.cgroupdriver=cgroupfs'],
  ];
}

async function loadImage(api: Docker, archive: string, done: string): Promise<void> {
  if (existsSync(done)) return;
  let said = '';
  for await (const text of await api.loadImage(archive)) said += String(text);
  if (!said.includes('Loaded image')) throw new TareError('load the image into docker', { hint: said.trim() });
  writeFileSync(done, '');
}
