/** The root: what `/` will be, and the moment when it becomes so. */
import { AT_FDCWD, flags, MNT, MOUNT_ATTR, MOVE_MOUNT, MS, O } from '../linux/flags.ts';
import type { RootSource } from '../spec/root-source.ts';
import { type Cell, cell } from './program.ts';
import { mountParts, sealParts } from './root-parts.ts';
import {
  cloneTree,
  inUserNamespace,
  octal,
  propagationFlags,
  type RootedStage,
  setAttributes,
  type Stage,
} from './stage.ts';

type Overlay = RootSource & { readonly kind: 'overlay' };

const directory = flags(O, 'PATH', 'DIRECTORY', 'CLOEXEC');

/** Nothing mounted from here on reaches the host; what the host mounts or unmounts may still arrive. */
export function detachPropagation({ b }: Stage): void {
  b.op('keep our mounts out of the host', 'mount', [0, '/', 0, flags(MS, 'REC', 'SLAVE'), 0]);
}

/** Builds the root and returns the open directory through which everything below it is reached. */
export function buildRoot(stage: Stage): Cell {
  const { b, facts } = stage;
  if (facts.root.kind === 'overlay') return buildOverlay(stage, facts.root);
  const { path } = facts.root;
  if ((stage.spec.mounts ?? []).some(({ options = [] }) => options.includes('tmpcopyup'))) coverScratch(stage);
  // pivot_root wants a mount, so the directory is mounted onto itself.
  const tree = cloneTree(b, `take ${path} as the root`, path, true, { ENOENT: 'no such directory' });
  b.op(`mount the root onto ${path}`, 'move_mount', [tree, '', AT_FDCWD, path, flags(MOVE_MOUNT, 'F_EMPTY_PATH')], {
    hints: { EINVAL: 'it is a symbolic link: name the directory that it leads to' },
  });
  return b.result('root', 'open the root', 'openat', [AT_FDCWD, path, directory, 0]);
}

/** The kernel takes one page of mount data, less the closing zero. */
const pageLimit = 4095;

/**
 * In the container's own mount namespace a tmpfs covers `scratch`, and goes when the namespace goes: nothing is left on
 * the host to clean up, even if everything is killed.
 */
function coverScratch({ b, facts: { scratch } }: Stage): void {
  const room = ['tmpfs', scratch, 'tmpfs', flags(MS, 'NODEV'), 'mode=0700'];
  b.op('make room for what the container writes', 'mount', room, { hints: { ENOENT: `${scratch} is missing` } });
}

function buildOverlay(stage: Stage, source: Overlay): Cell {
  const { b } = stage;
  const { scratch } = stage.facts;
  coverScratch(stage);
  const root = `${scratch}/root`;
  const upper = source.upper ?? scratch;
  if (source.upper === undefined) {
    b.op('make the layer that takes the writes', 'mkdirat', [AT_FDCWD, `${upper}/upper`, octal(0o755)]);
    b.op('make the directory overlayfs works in', 'mkdirat', [AT_FDCWD, `${upper}/work`, octal(0o700)]);
  }
  b.op('make the place where the layers come together', 'mkdirat', [AT_FDCWD, root, octal(0o755)]);
  if (source.parts !== undefined) mountParts(stage, source.parts, root, upper);
  else mountOverlay(stage, source, root, upper);
  return b.result('root', 'open the root', 'openat', [AT_FDCWD, root, directory, 0]);
}

function mountOverlay(stage: Stage, source: Overlay, root: string, upper: string): void {
  const { b } = stage;
  const { scratch } = stage.facts;
  const rest = `,upperdir=${escape(`${upper}/upper`)},workdir=${escape(`${upper}/work`)}${inUserNamespace(stage) ? ',userxattr' : ''}`;
  const layers = source.lower.map((layer, index) => attachLayer(stage, layer, index));
  const full = layers.map(escape).join(':');
  const lower = full.length + rest.length > pageLimit ? shortNames(b, scratch, layers) : full;
  b.op('put the image under a writable layer', 'mount', ['overlay', root, 'overlay', 0, `lowerdir=${lower}${rest}`], {
    hints: {
      EINVAL:
        'a layer is missing, or the upper directory lies on a filesystem that overlayfs cannot write to (another overlay, NFS)',
      ENODEV: 'this kernel has no overlayfs',
      EPERM: 'overlayfs in a user namespace needs Linux 5.11 or later',
      EBUSY: 'the upper directory is in use by another container',
      ENOENT: 'a layer of the image is missing',
    },
  });
}

/** Names an id-mapped layer among the mounts that the host's side has made ready. No path of a container looks like it. */
export const layerName = (index: number): string => `layer ${index}`;
export const isLayerName = (name: string): boolean => name.startsWith('layer ');

/** Where the layer is found: where it lies on the host, or where its id-mapped mount is put. */
function attachLayer({ b, facts }: Stage, layer: string, index: number): string {
  const mapped = facts.idMapped.get(layerName(index));
  if (mapped === undefined) return layer;
  const place = `${facts.scratch}/layer${index}`;
  b.op(`make a place for the layer ${layer}`, 'mkdirat', [AT_FDCWD, place, octal(0o755)]);
  const mount = [cell('layer', mapped), '', AT_FDCWD, place, flags(MOVE_MOUNT, 'F_EMPTY_PATH')];
  b.op(`mount the layer ${layer} with its ids mapped`, 'move_mount', mount);
  return place;
}

/** Many layers do not fit into one page by their full paths: links give them short ones, relative to the scratch directory. */
function shortNames(b: Stage['b'], scratch: string, layers: readonly string[]): string {
  layers.forEach((layer, index) =>
    b.op(`give layer ${layer} a short name`, 'symlinkat', [layer, AT_FDCWD, `${scratch}/${index}`]),
  );
  b.op('begin relative paths at the short names', 'chdir', [scratch]);
  return layers.map((_, index) => String(index)).join(':');
}

/** overlayfs takes `:` and `,` for separators, and `\` to escape them. */
function escape(path: string): string {
  return path.replace(/[\\:,]/g, (character) => `\\${character}`);
}

/** The old root is stacked under the new one and then let go: no name of the host's files is left. */
export function pivotRoot({ b, spec, facts, root }: RootedStage): void {
  b.op('go to the new root', 'fchdir', [root]);
  if (facts.coversRoot !== undefined) {
    for (const path of facts.coversRoot.revealing)
      b.op(
        `hide ${path} of the host, which would vouch for another without what is masked here`,
        'mount',
        ['tmpfs', path, 'tmpfs', flags(MS, 'RDONLY', 'NOSUID', 'NODEV', 'NOEXEC'), 0],
        { allow: ['ENOENT'] },
      );
    b.op('cover the root of this mount namespace with it', 'mount', ['.', '/', 0, flags(MS, 'MOVE'), 0]);
    b.op('make it the root of this process', 'chroot', ['.']);
  } else {
    b.op('make it the root of this mount namespace', 'pivot_root', ['.', '.'], {
      hints: { EINVAL: 'the current root is the initial ramfs, which cannot be moved away' },
    });
    b.op("let go of the host's files", 'umount2', ['.', flags(MNT, 'DETACH')]);
  }
  b.op('stand in the new root', 'chdir', ['/']);
  const propagation = spec.linux?.rootfsPropagation;
  if (propagation === undefined) return;
  // Not before: pivot_root takes no root that shares its mounts.
  setAttributes(b, `make the root's propagation ${propagation}`, root, { propagation: propagationFlags[propagation] });
}

/** Without a mount namespace of its own the root can only be changed for the process. */
export function changeRoot({ b, root }: RootedStage): void {
  b.op('go to the new root', 'fchdir', [root]);
  b.op('make it the root of this process', 'chroot', ['.']);
}

export function sealRoot(stage: RootedStage): void {
  const { b, spec, facts, root } = stage;
  if (spec.root.readonly !== true) return;
  if (facts.root.kind === 'overlay') sealParts(stage, facts.root);
  setAttributes(b, 'make the root read-only', root, { set: flags(MOUNT_ATTR, 'RDONLY') });
}
