/** A bundle's container that outlives whoever makes it: for `tare-oci create`. */
import { basename } from 'node:path';
import type { CgroupPlan } from '../cgroup/driver.ts';
import type { Image } from '../image/image.ts';
import { innerFd } from '../launch/bootstrap.ts';
import { compile } from '../launch/compile.ts';
import type { OwnGroup } from '../launch/facts.ts';
import { readMountinfo } from '../linux/proc.ts';
import type { Spec } from '../spec/spec.ts';
import type { Engine } from './engine.ts';
import { findNetDevices } from './net-devices.ts';
import { launchFacts, planCgroup, rootOf, takenByHost, v1GroupsAt } from './prepare.ts';
import type { DetachedOptions, Prepared } from './prepared.ts';
import { refuseMissing } from './refusals.ts';

/** It waits for a byte from a socket, its last inner fd but for those of groups. */
export async function prepareDetached(
  engine: Engine,
  { id, image, spec }: { id: string; image: Image; spec: Spec },
  options: DetachedOptions,
): Promise<Prepared> {
  refuseMissing(spec);
  const netDevices = findNetDevices(engine, spec);
  const request = { image: image.reference };
  const root = rootOf(image, request, spec, engine.host.rootless);
  const idMapped = takenByHost(engine, spec, root);
  const { payloadFds, stopForHooks, sharesKeyring, coversRoot, kindOf } = options;
  const how = { payloadFds, waitForStart: true, dieWithParent: false };
  const cgroup = await planCgroup(engine, options, id, spec);
  const startSocket = innerFd(payloadFds, idMapped.length);
  const launch = compile(spec, {
    ...launchFacts(engine, { request, spec, root, idMapped }, how, kindOf),
    startSocket,
    v1Groups: v1GroupsAt(startSocket + 1, cgroup?.v1),
    ownGroups: ownGroups(engine, cgroup),
    stopForHooks,
    sharesKeyring,
    ...(coversRoot ? { coversRoot: { revealing: revealing(image) } } : {}),
  });
  return { id, image, spec, launch, cgroup, idMapped, netDevices };
}

/** None where all controllers are v2's, whose own mount then shows them. */
function ownGroups({ cgroups }: Engine, cgroup: CgroupPlan | undefined): readonly OwnGroup[] {
  if (cgroup === undefined || cgroup.v1.length === 0) return [];
  const named = cgroup.v1.map(({ controllers: [first = ''], path }) => ({
    name: basename(cgroups.v1[first] ?? ''),
    path,
  }));
  return [...named, { name: 'unified', path: cgroup.path }];
}

/** Mounts of all of procfs or sysfs, but those of the image's. */
function revealing({ root }: Image): string[] {
  const below = root.kind === 'directory' ? `${root.path}/` : undefined;
  return readMountinfo()
    .filter(({ type, root: shown }) => (type === 'proc' || type === 'sysfs') && shown === '/')
    .map(({ mountPoint }) => mountPoint)
    .filter((path) => below === undefined || !path.startsWith(below));
}
