/** /dev: the nodes every program expects, the ones asked for, and the links ("Default Devices" of the runtime-spec). */
import { named, type Named } from '../linux/flags.ts';
import type { Device } from '../spec/spec.ts';
import type { Cell } from './program.ts';
import {
  attach,
  cloneTree,
  inUserNamespace,
  makeDirectories,
  makeFile,
  openInRoot,
  type RootedStage,
} from './stage.ts';

/** Numbers from Documentation/admin-guide/devices.txt. */
const standard: readonly Device[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o666 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8, fileMode: 0o666 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9, fileMode: 0o666 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: 0o666 },
];

const links: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
  ['core', '/proc/kcore'],
];

const typeBits = { c: 0o20000, u: 0o20000, b: 0o60000, p: 0o10000 };
const typeName = { c: 'S_IFCHR', u: 'S_IFCHR', b: 'S_IFBLK', p: 'S_IFIFO' };

export function makeDevices(stage: RootedStage): void {
  const { b, spec } = stage;
  // A /dev of the host's has them all, and is not ours to add to.
  if ((spec.mounts ?? []).some((mount) => mount.destination === '/dev' && mount.source === '/dev')) return;
  makeDirectories(stage, '/dev');
  const dev = openInRoot(stage, 'open /dev', '/dev', 'directory');
  const asked = spec.linux?.devices ?? [];
  const devices = [...standard.filter((device) => !asked.some((other) => other.path === device.path)), ...asked];
  const bound = inUserNamespace(stage);
  for (const device of devices) {
    if (bound && device.type !== 'p') bindDevice(stage, device);
    else makeDevice(stage, dev, device);
  }
  for (const [name, target] of links)
    b.op(`link /dev/${name} to ${target}`, 'symlinkat', [target, dev, name], { allow: ['EEXIST'] });
}

function makeDevice(stage: RootedStage, dev: Cell, device: Device): void {
  const { b } = stage;
  const { path } = device;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const directory = path.slice(0, path.lastIndexOf('/'));
  const mode = device.fileMode ?? 0o666;
  let parent = dev;
  if (directory !== '/dev') {
    makeDirectories(stage, directory);
    parent = openInRoot(stage, `open ${directory}`, directory, 'directory');
  }
  const bits = named(typeBits[device.type] | mode, `${typeName[device.type]}|0${mode.toString(8)}`);
  b.op(`make the device ${path}`, 'mknodat', [parent, name, bits, deviceNumber(device)], {
    allow: ['EEXIST'],
    hints: { EPERM: 'needs CAP_MKNOD over the host' },
  });
  const { uid = 0, gid = 0 } = device;
  if (uid !== 0 || gid !== 0) b.op(`give ${path} to ${uid}:${gid}`, 'fchownat', [parent, name, uid, gid, 0]);
}

/** A user namespace may make FIFOs, but no devices; it may show the host's. */
function bindDevice(stage: RootedStage, device: Device): void {
  const { b, facts } = stage;
  const { path } = device;
  const source = facts.devices?.get(path) ?? path;
  const tree = cloneTree(b, `take ${source} from the host`, source, false, { ENOENT: 'the host has no such device' });
  makeFile(stage, path);
  attach(b, `bind the device ${path}`, tree, openInRoot(stage, `open ${path} to mount onto`, path));
}

/** As the kernel's new_encode_dev packs it for mknod(2). */
function deviceNumber({ major = 0, minor = 0 }: Device): Named {
  const packed = (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12);
  return named(packed >>> 0, `makedev(${major}, ${minor})`);
}
