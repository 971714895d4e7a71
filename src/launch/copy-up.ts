/** `tmpcopyup`: a tmpfs that begins with what the image has at its place. An overlay of the two is that without a copy. */
import { AT, AT_FDCWD, flags, MOVE_MOUNT, named, type Named } from '../linux/flags.ts';
import type { MountOptions } from '../spec/mount-options.ts';
import { type Cell, cell, data, type ProgramBuilder } from './program.ts';
import { cloneTree, inUserNamespace, newFilesystem, octal, type RootedStage } from './stage.ts';

const onto = flags(MOVE_MOUNT, 'F_EMPTY_PATH');
const none = named(0, '0');

/** What the topmost directory has of its own; all else is the tmpfs's. */
const ownership = ['mode', 'uid', 'gid'] as const;

/** A mount that is not attached yet. overlayfs takes its layers by path, so both get one below the scratch directory. */
export function copyUp(
  stage: RootedStage,
  destination: string,
  target: Cell,
  options: MountOptions,
  attrs: Named,
): Cell {
  const { b, facts } = stage;
  const place = `${facts.scratch}/copy${b.ops.length}`;
  makeDirectory(b, place);
  const settings: [string, string | undefined][] = [
    ...options.superblock.map((flag): [string, undefined] => [flag, undefined]),
    ...options.data.filter(([key]) => !ownership.some((name) => name === key)),
  ];
  const room = newFilesystem(b, destination, 'tmpfs', settings, none);
  b.op(`mount it at ${place}`, 'move_mount', [room, '', AT_FDCWD, place, onto]);

  const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => `${place}/${name}`) as [string, string, string];
  for (const path of [lower, upper, work]) makeDirectory(b, path);
  const image = cloneTree(b, `take what the image has at ${destination}`, target, false);
  b.op(`mount it at ${lower}`, 'move_mount', [image, '', AT_FDCWD, lower, onto]);
  takeOwnership(b, destination, target, upper, new Map(options.data));
  return newFilesystem(
    b,
    destination,
    'overlay',
    [
      ['lowerdir', lower],
      ['upperdir', upper],
      ['workdir', work],
      ...(inUserNamespace(stage) ? ([['userxattr', undefined]] as const) : []),
    ],
    attrs,
  );
}

const makeDirectory = (b: ProgramBuilder, path: string): void =>
  b.op(`make ${path}`, 'mkdirat', [AT_FDCWD, path, octal(0o755)]);

/** The directory that the container sees is the upper one: it becomes what the image's is, or what the options say. */
function takeOwnership(
  b: ProgramBuilder,
  destination: string,
  target: Cell,
  upper: string,
  options: ReadonlyMap<string, string | undefined>,
): void {
  const [mode, uid, gid] = [cell('mode'), cell('uid'), cell('gid')];
  const given = (name: (typeof ownership)[number], base: number, found: Cell): Cell | number => {
    const value = options.get(name);
    return value === undefined ? found : Number.parseInt(value, base);
  };
  // struct statx of statx(2): two ids at 20, the mode in the lower half of the word at 28.
  const found = data('{statx}', [
    { bytes: new Uint8Array(20) },
    { cell: uid, width: 4 },
    { cell: gid, width: 4 },
    { cell: mode, width: 4 },
    { bytes: new Uint8Array(224) },
  ]);
  const basic = named(0x7ff, 'STATX_BASIC_STATS');
  b.op(`see whose ${destination} is in the image`, 'statx', [target, '', flags(AT, 'EMPTY_PATH'), basic, found]);
  const owner = [given('uid', 10, uid), given('gid', 10, gid)] as const;
  // Where the owner has no id in the user namespace, the directory stays root's.
  b.op(`give ${destination} its owner`, 'fchownat', [AT_FDCWD, upper, ...owner, 0], { allow: ['EINVAL'] });
  b.op(`give ${destination} its mode`, 'fchmodat', [AT_FDCWD, upper, given('mode', 8, mode)]);
}
