/** A root whose directories are overlays of their own: container/root-parts.ts says when. */
import { AT_FDCWD, flags, MOUNT_ATTR, MOVE_MOUNT, named } from '../linux/flags.ts';
import type { RootPart, RootSource } from '../spec/root-source.ts';
import { cloneTree, newFilesystem, octal, openInRoot, type RootedStage, setAttributes, type Stage } from './stage.ts';

const onto = flags(MOVE_MOUNT, 'F_EMPTY_PATH');
const readOnly = flags(MOUNT_ATTR, 'RDONLY');

type Overlay = RootSource & { readonly kind: 'overlay' };

/** Below `place`; the directories overlayfs writes to lie below `upper`, one for each part. */
export function mountParts(stage: Stage, parts: readonly RootPart[], place: string, upper: string): void {
  const { b } = stage;
  const room = newFilesystem(b, 'the root', 'tmpfs', [['mode', '755']], named(0, '0'));
  b.op(`mount it at ${place}`, 'move_mount', [room, '', AT_FDCWD, place, onto]);
  for (const part of parts) {
    const path = `${place}/${part.name}`;
    if ('link' in part) b.op(`link /${part.name} to ${part.link}`, 'symlinkat', [part.link, AT_FDCWD, path]);
    else {
      b.op(`make /${part.name}`, 'mkdirat', [AT_FDCWD, path, octal(part.mode)]);
      if (part.as === 'overlay') mountPart(stage, part.name, part.mode, path, upper);
      if (part.as === 'bind') bindPart(stage, part.name, path);
    }
  }
}

function mountPart({ b }: Stage, name: string, mode: number, path: string, upper: string): void {
  const [writes, work] = [`${upper}/upper/${name}`, `${upper}/work/${name}`];
  b.op(`make the layer that takes the writes to /${name}`, 'mkdirat', [AT_FDCWD, writes, octal(mode)], {
    allow: ['EEXIST'],
  });
  b.op('make the directory overlayfs works in', 'mkdirat', [AT_FDCWD, work, octal(0o700)], { allow: ['EEXIST'] });
  const settings = [
    ['lowerdir', `/${name}`],
    ['upperdir', writes],
    ['workdir', work],
    ['userxattr', undefined],
  ] as const;
  const overlay = newFilesystem(b, `/${name}`, 'overlay', settings, named(0, '0'));
  b.op(`mount it at ${path}`, 'move_mount', [overlay, '', AT_FDCWD, path, onto]);
}

function bindPart({ b }: Stage, name: string, path: string): void {
  const tree = cloneTree(b, `take /${name} with its mounts from the host`, `/${name}`, true);
  setAttributes(b, `make /${name} read-only`, tree, { set: readOnly, recursive: true });
  b.op(`mount it at ${path}`, 'move_mount', [tree, '', AT_FDCWD, path, onto]);
}

/** What the spec has mounted over a part is not the root's. */
export function sealParts(stage: RootedStage, { parts = [] }: Overlay): void {
  const covered = new Set((stage.spec.mounts ?? []).map(({ destination }) => destination));
  for (const part of parts) {
    if ('link' in part || part.as !== 'overlay' || covered.has(`/${part.name}`)) continue;
    const mount = openInRoot(stage, `open /${part.name} to make it read-only`, part.name, 'directory');
    setAttributes(stage.b, `make /${part.name} read-only`, mount, { set: readOnly });
  }
}
