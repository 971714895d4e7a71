/**
 * Id-mapped mounts: mount_setattr(2), "ID-mapped mounts". The map is a user namespace, which some process must have been in;
 * and only who has power over the filesystem may use it, so the host's side does, and hands the container the mount.
 */
import { closeSync, openSync } from 'node:fs';
import { stopAndWait } from '../launch/parent.ts';
import { cell, ProgramBuilder } from '../launch/program.ts';
import { cloneTree, setAttributes } from '../launch/stage.ts';
import { syncFd } from '../launch/bootstrap.ts';
import { CLONE, flags, MOUNT_ATTR } from '../linux/flags.ts';
import { parseMountOptions } from '../spec/mount-options.ts';
import type { Mount, Spec } from '../spec/spec.ts';
import type { Engine } from './engine.ts';
import { writeIdMaps } from './id-maps.ts';

const notOurs = 'mapping ids needs CAP_SYS_ADMIN over the filesystem, which an ordinary user does not have';

/** Mounts that ask for it, with the maps they use: their own, or those of the container. */
export function idMappedMounts(spec: Spec): Mount[] {
  return (spec.mounts ?? []).flatMap((mount) => {
    const asked = (mount.options ?? []).some((option) => option === 'idmap' || option === 'ridmap');
    if (!asked && mount.uidMappings === undefined) return [];
    const { uidMappings = spec.linux?.uidMappings, gidMappings = spec.linux?.gidMappings } = mount;
    return [{ ...mount, uidMappings, gidMappings }];
  });
}

/** Open mounts, in the order of `mounts`; the caller closes them. */
export async function openIdMapped(engine: Engine, { idMapped }: { idMapped: readonly Mount[] }): Promise<number[]> {
  const opened: number[] = [];
  try {
    for (const mount of idMapped) opened.push(await openOne(engine, mount));
    return opened;
  } catch (error) {
    opened.forEach((fd) => closeSync(fd));
    throw error;
  }
}

async function openOne(engine: Engine, mount: Mount): Promise<number> {
  const { source = '', destination, uidMappings = [], gidMappings = [] } = mount;
  const options = parseMountOptions(mount.options ?? []);
  const { namespace, ended } = await makeUserNamespace(engine, { uidMappings, gidMappings });
  try {
    const b = new ProgramBuilder().stage('mounts');
    const tree = cloneTree(b, `take ${source} from the host`, source, options.bind !== 'bind', { EPERM: notOurs });
    setAttributes(b, `map the ids of ${source} for ${destination}`, tree, {
      set: flags(MOUNT_ATTR, 'IDMAP'),
      userNamespace: namespace,
      recursive: options.idmap === 'ridmap',
      hints: {
        EINVAL: 'its filesystem does not support id-mapped mounts',
        EPERM: notOurs,
      },
    });
    return engine.spawner.run({ ops: b.ops }, [tree]).get(tree) ?? -1;
  } finally {
    closeSync(namespace);
    await ended;
  }
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
