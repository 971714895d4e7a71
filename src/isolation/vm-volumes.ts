/** Directories and files of the host in a guest: what a request mounts, and the server that brings it there. */
import { join } from 'node:path';
import { mkdirSync, statSync } from 'node:fs';
import type { Engine } from '../container/engine.ts';
import { TareError } from '../errors.ts';
import type { MountRequest, RunRequest } from '../spec/request.ts';
import type { PayloadFacts } from '../vm/guest-payload.ts';
import { volumeDirectory } from '../vm/guest-program.ts';
import { VolumeServer } from '../vm/volumes.ts';
import type { VmRoom } from './vm-room.ts';

type Bind = MountRequest & { readonly source: string };

/** In the order in which the guest numbers them. */
export const bindsOf = ({ mounts = [] }: RunRequest): Bind[] =>
  mounts.filter((mount): mount is Bind => mount.type !== 'tmpfs' && mount.source !== undefined);

/** Where in the guest each is found, by its path on the host. @throws TareError for one that is not there */
export const volumesInGuest = (request: RunRequest): PayloadFacts['volumes'] =>
  new Map(
    bindsOf(request).map(({ source, target }, index) => [
      source,
      { path: volumeDirectory(index), kind: kindOf(source, target) },
    ]),
  );

function kindOf(source: string, target: string): 'file' | 'directory' {
  const found = statSync(source, { throwIfNoEntry: false });
  if (found !== undefined) return found.isDirectory() ? 'directory' : 'file';
  throw new TareError(`bind ${source} to ${target}`, { errno: 'ENOENT', hint: 'make it on the host first' });
}

/** Where QEMU will find the server, once `serveVolumes` has started it. */
export const volumeSocket = (room: VmRoom): string => `${directoryIn(room)}.sock`;
const directoryIn = ({ path }: VmRoom): string => join(path, 'volumes');

export async function serveVolumes(engine: Engine, request: RunRequest, room: VmRoom): Promise<VolumeServer> {
  const directory = directoryIn(room);
  mkdirSync(directory, { mode: 0o700 });
  const { spawner, host } = engine;
  const volumes = bindsOf(request).map(({ source, options }) => ({
    source,
    readOnly: options.some((option) => ['ro', 'rro'].includes(option)),
    alone: options.includes('bind'),
  }));
  const server = await VolumeServer.start({ spawner, host, directory, volumes });
  await room.give(server.socket);
  return server;
}
