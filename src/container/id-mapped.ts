/**
 * Id-mapped mounts: mount_setattr(2), "ID-mapped mounts". The map is a user namespace, which some process must have been in;
 * and only who has power over the filesystem may use it, so the host's side does, and hands the container the mount.
 */
import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { stopAndWait } from '../launch/parent.ts';
import { type Cell, cell, ProgramBuilder } from '../launch/program.ts';
import { isLayerName, layerName } from '../launch/rootfs.ts';
import { isNew } from '../spec/checks/check.ts';
import { cloneTree, setAttributes } from '../launch/stage.ts';
import { syncFd } from '../launch/bootstrap.ts';
import { CLONE, flags, MOUNT_ATTR } from '../linux/flags.ts';
import { isMapped } from '../spec/id-maps.ts';
import { isBind, parseMountOptions } from '../spec/mount-options.ts';
import type { IdMap } from '../spec/request.ts';
import type { RootSource } from '../spec/root-source.ts';
import type { Mount, Spec } from '../spec/spec.ts';
import type { Engine } from './engine.ts';
import { writeIdMaps } from './id-maps.ts';

const notOurs = 'mapping ids needs CAP_SYS_ADMIN over the filesystem, which an ordinary user does not have';

const asksForMap = ({ options = [], uidMappings }: Mount): boolean =>
  uidMappings !== undefined || options.some((option) => option === 'idmap' || option === 'ridmap');

/** Mounts that ask for it, with the maps they use: their own, or those of the container. */
export function idMappedMounts(spec: Spec): Mount[] {
  return (spec.mounts ?? []).flatMap((mount) => {
    if (!asksForMap(mount)) return [];
    const { uidMappings = spec.linux?.uidMappings, gidMappings = spec.linux?.gidMappings } = mount;
    return [{ ...mount, uidMappings, gidMappings }];
  });
}

/**
 * Binds that root of a new user namespace cannot get at, for a directory above lets through nobody but its owner on the host: the host's side
 * takes them too. What an engine hands in is the container's to use, wherever it lies.
 */
export function unreachableMounts(spec: Spec, rootless: boolean): Mount[] {
  if (rootless || !isNew(spec, 'user')) return [];
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
  const rules = (uid: number, gid: number): boolean => isMappedTo(uidMappings, uid) && isMappedTo(gidMappings, gid);
  const reachable = (path: string): boolean => {
    if (!existsSync(path)) return true; // who would mount it says that it is not there
    for (let above = dirname(realpathSync(path)); above !== '/'; above = dirname(above)) {
      const { mode, uid, gid } = statSync(above);
      if ((mode & 0o001) === 0 && !rules(uid, gid)) return false;
    }
    return true;
  };
  return (spec.mounts ?? []).filter((mount) => isBind(mount) && !asksForMap(mount) && !reachable(mount.source ?? '/'));
}

const isMappedTo = (maps: readonly IdMap[], id: number): boolean =>
  maps.some(({ hostID, size }) => id >= hostID && id < hostID + size);

/**
 * The layers of an image for a container with ids of its own: the image's root is then the container's, and no directory
 * above a layer has to let the container's root through. Whoever has no power over the host must take them as they are.
 */
export function idMappedLayers(root: RootSource, spec: Spec, rootless: boolean): Mount[] {
  if (rootless || root.kind !== 'overlay' || root.parts !== undefined || !isNew(spec, 'user')) return [];
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
  // What an image holds belongs to root. Where the container has none, mapping would leave it to nobody, and unreadable.
  if (!isMapped(uidMappings, 0) || !isMapped(gidMappings, 0)) return [];
  const options = ['bind', 'idmap'];
  return root.lower.map((source, index) => ({
    source,
    destination: layerName(index),
    options,
    uidMappings,
    gidMappings,
  }));
}

/** Open mounts, in the order of `idMapped`; the caller closes them. */
export async function openIdMapped(engine: Engine, { idMapped }: { idMapped: readonly Mount[] }): Promise<number[]> {
  if (idMapped.length === 0) return [];
  engine.spawner.listen();
  const namespaces = new Map<string, OpenNamespace>();
  const opened: number[] = [];
  try {
    for (const mount of idMapped) {
      const { uidMappings, gidMappings = [] } = mount;
      if (uidMappings === undefined) {
        opened.push(openOne(engine, mount));
        continue;
      }
      const key = JSON.stringify([uidMappings, gidMappings]);
      const made = namespaces.get(key) ?? (await makeUserNamespace(engine, { uidMappings, gidMappings }));
      namespaces.set(key, made);
      opened.push(openOne(engine, mount, made.namespace));
    }
    return opened;
  } catch (error) {
    opened.forEach((fd) => closeSync(fd));
    throw error;
  } finally {
    for (const { namespace } of namespaces.values()) closeSync(namespace);
    await Promise.all([...namespaces.values()].map(({ ended }) => ended));
  }
}

function openOne(engine: Engine, mount: Mount, userNamespace?: number): number {
  const { source = '' } = mount;
  const options = parseMountOptions(mount.options ?? []);
  const b = new ProgramBuilder().stage('mounts');
  const tree = cloneTree(b, `take ${source} from the host`, source, options.bind !== 'bind', { EPERM: notOurs });
  if (userNamespace !== undefined) mapIds(b, mount, tree, userNamespace);
  return engine.spawner.run({ ops: b.ops }, [tree]).get(tree) ?? -1;
}

function mapIds(
  b: ProgramBuilder,
  { source, destination, options = [] }: Mount,
  tree: Cell,
  userNamespace: number,
): void {
  setAttributes(b, `map the ids of ${source} for ${destination}`, tree, {
    set: flags(MOUNT_ATTR, 'IDMAP'),
    userNamespace,
    recursive: parseMountOptions(options).idmap === 'ridmap',
    // A layer on a filesystem that cannot map ids is still of use: its files then belong to nobody.
    ...(isLayerName(destination) ? { allow: ['EINVAL'] } : {}),
    hints: { EINVAL: 'its filesystem does not support id-mapped mounts', EPERM: notOurs },
  });
}

interface OpenNamespace {
  readonly namespace: number;
  readonly ended: Promise<unknown>;
}

/** A user namespace with these maps, as an open file: a process is born in it, waits until it is mapped, and leaves. */
async function makeUserNamespace(engine: Engine, linux: NonNullable<Spec['linux']>): Promise<OpenNamespace> {
  const b = new ProgramBuilder().stage('user namespace');
  const sync = cell('sync', syncFd(0));
  stopAndWait({ b, sync }, 'maps', 'ask for id maps');
  b.op('leave', 'exit_group', [0]);
  let stopped = () => {};
  const waits = new Promise<void>((resolve) => (stopped = resolve));
  const child = engine.spawner.spawn({
    program: { ops: b.ops, report: sync },
    cloneFlags: flags(CLONE, 'NEWUSER'),
    newUser: false,
    lastCapability: engine.host.lastCapability,
    fds: [],
    onStop: () => stopped(),
  });
  await Promise.race([waits, child.exited]);
  try {
    if (child.failure !== undefined) throw child.failure;
    await writeIdMaps(engine, child.pid, linux);
    return { namespace: openSync(`/proc/${child.pid}/ns/user`, 'r'), ended: child.exited };
  } catch (error) {
    engine.spawner.kill(child, 'SIGKILL');
    await child.exited;
    throw error;
  } finally {
    child.go();
  }
}
