/**
 * Mount options as words, and what they mean to mount_setattr(2), fsmount(2) and fsconfig(2).
 *
 * The words are those of the runtime-spec ("Linux mount options"). As in mount(8), the later of two that contradict
 * each other wins.
 */

/** The access-time setting is one field of the kernel's flags, not a bit each: to set it, all of it is cleared. */
export type AtimeAttr = 'MOUNT_ATTR_RELATIME' | 'MOUNT_ATTR_NOATIME' | 'MOUNT_ATTR_STRICTATIME';

export type FlagAttr =
  | 'MOUNT_ATTR_RDONLY'
  | 'MOUNT_ATTR_NOSUID'
  | 'MOUNT_ATTR_NODEV'
  | 'MOUNT_ATTR_NOEXEC'
  | 'MOUNT_ATTR_NODIRATIME'
  | 'MOUNT_ATTR_NOSYMFOLLOW';

export type MountAttr = FlagAttr | AtimeAttr | 'MOUNT_ATTR__ATIME';

/** Flags of the filesystem itself, by the names that fsconfig(2) takes with FSCONFIG_SET_FLAG. */
export type SuperblockFlag = 'sync' | 'async' | 'dirsync' | 'lazytime' | 'nolazytime' | 'mand' | 'nomand';

const propagations = [
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
  'unbindable',
  'runbindable',
] as const;

/** With `r`, the mounts below it too. */
export type Propagation = (typeof propagations)[number];

export interface MountOptions {
  /** For this mount: what to set and what to clear, ready for mount_setattr(2). fsmount(2) takes `attrSet` alone. */
  attrSet: MountAttr[];
  attrClear: MountAttr[];
  /** For this mount and all below it: mount_setattr(2) with AT_RECURSIVE. */
  recursiveSet: MountAttr[];
  recursiveClear: MountAttr[];
  superblock: SuperblockFlag[];
  /** `rbind` takes the mounts below the source along. */
  bind: false | 'bind' | 'rbind';
  /** Change the mount that is there already. */
  remount: boolean;
  /** In order: `slave` and then `shared` makes a mount that is both. */
  propagation: Propagation[];
  /** `ridmap` maps the ids of the mounts below it too. */
  idmap: false | 'idmap' | 'ridmap';
  /** A tmpfs that starts with what the image has at its place. */
  tmpcopyup: boolean;
  /** What only the filesystem understands, in order: `['size', '64m']`, `['newinstance', undefined]`. */
  data: [key: string, value: string | undefined][];
}

const flagOptions: Readonly<Record<string, { flag: FlagAttr; on: boolean }>> = {
  ro: { flag: 'MOUNT_ATTR_RDONLY', on: true },
  rw: { flag: 'MOUNT_ATTR_RDONLY', on: false },
  nosuid: { flag: 'MOUNT_ATTR_NOSUID', on: true },
  suid: { flag: 'MOUNT_ATTR_NOSUID', on: false },
  nodev: { flag: 'MOUNT_ATTR_NODEV', on: true },
  dev: { flag: 'MOUNT_ATTR_NODEV', on: false },
  noexec: { flag: 'MOUNT_ATTR_NOEXEC', on: true },
  exec: { flag: 'MOUNT_ATTR_NOEXEC', on: false },
  nodiratime: { flag: 'MOUNT_ATTR_NODIRATIME', on: true },
  diratime: { flag: 'MOUNT_ATTR_NODIRATIME', on: false },
  nosymfollow: { flag: 'MOUNT_ATTR_NOSYMFOLLOW', on: true },
  symfollow: { flag: 'MOUNT_ATTR_NOSYMFOLLOW', on: false },
};

/** What each word makes of the access-time field that the words before it left. */
const atimeOptions: Readonly<Record<string, (before: AtimeAttr | undefined) => AtimeAttr | undefined>> = {
  noatime: () => 'MOUNT_ATTR_NOATIME',
  relatime: () => 'MOUNT_ATTR_RELATIME',
  strictatime: () => 'MOUNT_ATTR_STRICTATIME',
  // The kernel knows three states and no "not": leaving one leads back to its default, relatime.
  atime: (before) => (before === 'MOUNT_ATTR_STRICTATIME' ? before : 'MOUNT_ATTR_RELATIME'),
  nostrictatime: (before) => (before === 'MOUNT_ATTR_NOATIME' ? before : 'MOUNT_ATTR_RELATIME'),
  norelatime: (before) => (before === 'MOUNT_ATTR_RELATIME' ? undefined : before),
};

const superblockPairs: Readonly<Record<SuperblockFlag, SuperblockFlag | undefined>> = {
  sync: 'async',
  async: 'sync',
  dirsync: undefined,
  lazytime: 'nolazytime',
  nolazytime: 'lazytime',
  mand: 'nomand',
  nomand: 'mand',
};

/**
 * Words that fsconfig(2) does not have (it answers EINVAL) and that would change nothing: the first two only quieten
 * the kernel's log, and filesystems that keep an inode version do so unasked.
 */
const withoutEffect = new Set(['defaults', 'silent', 'loud', 'iversion', 'noiversion']);

const atimeField = 'MOUNT_ATTR__ATIME';

/** One of the two sets of attributes while its words are read. */
class Attributes {
  readonly #flags = new Map<FlagAttr, boolean>();
  #atime: AtimeAttr | undefined;

  read(word: string): void {
    const flag = flagOptions[word];
    if (flag === undefined) this.#atime = atimeOptions[word]?.(this.#atime);
    else this.#flags.set(flag.flag, flag.on);
  }

  get set(): MountAttr[] {
    const on = [...this.#flags].filter(([, isOn]) => isOn).map(([flag]) => flag);
    return this.#atime === undefined ? on : [...on, this.#atime];
  }

  get clear(): MountAttr[] {
    const off = [...this.#flags].filter(([, isOn]) => !isOn).map(([flag]) => flag);
    return this.#atime === undefined ? off : [...off, atimeField];
  }
}

const has = (table: object, word: string): boolean => Object.hasOwn(table, word);
const isSuperblockFlag = (word: string): word is SuperblockFlag => has(superblockPairs, word);
const isPropagation = (word: string): word is Propagation => propagations.some((name) => name === word);
const isAttribute = (word: string): boolean => has(flagOptions, word) || has(atimeOptions, word);

/** Every word that means the same on any filesystem; others are the filesystem's own. */
export const mountOptionNames: readonly string[] = [
  ...Object.keys(flagOptions),
  ...Object.keys(atimeOptions),
  ...Object.keys({ ...flagOptions, ...atimeOptions }).map((name) => `r${name}`),
  ...Object.keys(superblockPairs),
  ...propagations,
  ...withoutEffect,
  ...['bind', 'rbind', 'remount', 'idmap', 'ridmap', 'tmpcopyup'],
];

/** Whether a mount shows a path of the host. */
export const isBind = ({
  type,
  options = [],
}: {
  readonly type?: string;
  readonly options?: readonly string[];
}): boolean => type === 'bind' || options.includes('bind') || options.includes('rbind');

/** What a mount's options ask for. Words that are not known are the filesystem's own: `data`. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const own = new Attributes();
  const recursive = new Attributes();
  const superblock = new Set<SuperblockFlag>();
  const parsed: MountOptions = {
    attrSet: [],
    attrClear: [],
    recursiveSet: [],
    recursiveClear: [],
    superblock: [],
    bind: false,
    remount: false,
    propagation: [],
    idmap: false,
    tmpcopyup: false,
    data: [],
  };
  for (const word of options) {
    if (isAttribute(word)) own.read(word);
    else if (word.startsWith('r') && isAttribute(word.slice(1))) recursive.read(word.slice(1));
    else if (isSuperblockFlag(word)) {
      const opposite = superblockPairs[word];
      if (opposite !== undefined) superblock.delete(opposite);
      superblock.add(word);
    } else if (isPropagation(word)) parsed.propagation.push(word);
    else if (word === 'bind' || word === 'rbind') parsed.bind = word;
    else if (word === 'idmap' || word === 'ridmap') parsed.idmap = word;
    else if (word === 'remount') parsed.remount = true;
    else if (word === 'tmpcopyup') parsed.tmpcopyup = true;
    else if (word !== '' && !withoutEffect.has(word)) {
      const equals = word.indexOf('=');
      parsed.data.push(equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)]);
    }
  }
  return {
    ...parsed,
    attrSet: own.set,
    attrClear: own.clear,
    recursiveSet: recursive.set,
    recursiveClear: recursive.clear,
    superblock: [...superblock],
  };
}
