/** What each word of `process` asks of one process, and what is said of it. */
import type * as z from 'zod';
import { capabilityNames } from '../../index.ts';
import type { Process, World } from '../world.ts';
import { checkFile, describeFile } from './file.ts';
import { describeMount, findMount } from './mounts.ts';
import type { ProcessExpected } from './process-shape.ts';
import type { namespaceShape } from './shapes.ts';

export interface Criterion {
  /** Completes "a process …". */
  readonly expected: string;
  readonly look: (process: Process) => Seen | Promise<Seen>;
  /** What it counts for in being the nearest; 1 where absent. */
  readonly weight?: number;
}

/** A name that only this lab gives says more than all else: other containers may be as it is asked for by chance. */
const nameWeight = 100;

interface Seen {
  readonly met: boolean;
  readonly saw: string;
}

/** One for each field that is given, in the order of the shape. */
export function criteriaOf(expected: ProcessExpected, world: World): readonly Criterion[] {
  const list: Criterion[] = [];
  const { hostname, pid, uid, gid, root, cwd, noNewPrivileges, seccomp, sees, cgroup, mountsAtMost } = expected;
  const add = (text: string, look: Criterion['look']) => list.push({ expected: text, look });
  if (hostname !== undefined)
    list.push({
      expected: `whose host name is ${hostname}`,
      weight: nameWeight,
      look: async (process) => {
        const found = await world.hostnameOf(process);
        return { met: found === hostname, saw: `host name ${found ?? 'not to be seen'}` };
      },
    });
  const { own = [], shared: hosts = [] } = expected;
  // Looked at one by one, and named together.
  own.forEach((kind, index) =>
    add(index === 0 ? `in ${own.length < 2 ? 'a ' : ''}${namespacesOf(own)} of its own` : '', (process) =>
      compare(process, kind, false, world),
    ),
  );
  hosts.forEach((kind, index) =>
    add(index === 0 ? `in the host's ${namespacesOf(hosts)}` : '', (process) => compare(process, kind, true, world)),
  );
  if (pid !== undefined)
    add(`with pid ${pid} in its own pid namespace`, ({ status }) => {
      const inner = status.namespacedPids.at(-1);
      return { met: String(inner) === pid, saw: `pid ${inner} in its innermost pid namespace` };
    });
  if (uid !== undefined) add(`of uid ${uid}`, ({ status }) => same('uid', status.uid.effective, uid));
  if (gid !== undefined) add(`of gid ${gid}`, ({ status }) => same('gid', status.gid.effective, gid));
  for (const of of ['uid', 'gid'] as const) {
    const map = expected[`${of}Map`];
    if (map !== undefined) add(`with the ${of} map "${map}"`, (process) => same(`${of} map`, mapOf(process, of), map));
  }
  if (root !== undefined) add(describeRoot(root), (process) => compareRoot(process, root, world));
  if (cwd !== undefined) add(`that works in ${cwd}`, (process) => same('working directory', process.cwd, cwd));
  for (const name of expected.has ?? [])
    add(`with ${capabilityWord(name)}`, (process) => capability(process, name, true));
  for (const name of expected.lacks ?? [])
    add(`without ${capabilityWord(name)}`, (process) => capability(process, name, false));
  if (noNewPrivileges !== undefined)
    add(`with no_new_privs ${noNewPrivileges ? 'on' : 'off'}`, ({ status }) => ({
      met: status.noNewPrivileges === noNewPrivileges,
      saw: `no_new_privs ${status.noNewPrivileges ? 'on' : 'off'}`,
    }));
  if (seccomp !== undefined)
    add(`with seccomp in mode ${seccomp}`, ({ status }) => same('seccomp', status.seccomp ?? 'not built in', seccomp));
  if (sees !== undefined)
    add(`that sees at most ${sees} processes in its /proc`, ({ visibleProcesses: count }) => ({
      met: count !== undefined && count <= Number(sees),
      saw: count === undefined ? 'an empty /proc' : `${count} ${count === 1 ? 'process' : 'processes'} in its /proc`,
    }));
  if (cgroup !== undefined)
    add(`in the cgroup ${cgroup}`, (process) => ({
      met: isLike(process.cgroup, cgroup),
      saw: `cgroup ${process.cgroup}`,
    }));
  for (const mount of expected.mounts ?? [])
    add(`in whose mount table there is ${describeMount(mount)}`, ({ mounts }) => findMount(mount, mounts));
  for (const file of expected.files ?? [])
    add(`that sees ${describeFile(file)} at ${file.path}`, ({ pid: number }) => {
      const { passed, saw } = checkFile({ ...file, path: `/proc/${number}/root${file.path}` });
      return { met: passed, saw: `${saw} at ${file.path}` };
    });
  const { opens } = expected;
  if (opens !== undefined)
    add(`that has a ${opens} open`, ({ openFiles }) => {
      const found = openFiles.find(({ kind }) => kind === opens);
      return {
        met: found !== undefined,
        saw: found === undefined ? `no ${opens} open` : `${opens} ${found.what} open`,
      };
    });
  if (mountsAtMost !== undefined)
    add(`with at most ${mountsAtMost} mounts in its table`, ({ mounts }) => ({
      met: mounts.length <= Number(mountsAtMost),
      saw: `${mounts.length} mounts in its table`,
    }));
  return list;
}

/** `pid, mnt and uts namespaces` */
const namespacesOf = (kinds: readonly string[]): string => {
  const last = kinds.at(-1) ?? '';
  return kinds.length < 2 ? `${last} namespace` : `${kinds.slice(0, -1).join(', ')} and ${last} namespaces`;
};

const isLike = (text: string, pattern: string): boolean =>
  pattern.startsWith('*')
    ? text.endsWith(pattern.slice(1))
    : pattern.endsWith('*')
      ? text.startsWith(pattern.slice(0, -1))
      : text === pattern;

const roots: Readonly<Record<string, string>> = {
  shared: "with the host's root directory",
  own: 'with a root directory of its own',
  pivoted: 'whose root directory is the root of a mount table of its own',
};

const describeRoot = (root: string): string => roots[root] ?? `whose root directory is ${root}`;

/** The name of a root in another mount table is told from that table's root on: it is `/` after pivot_root(2), and not after chroot(2). */
function compareRoot(process: Process, root: string, world: World): Seen {
  const isHosts = process.root === world.self.root;
  const { rootPath } = process;
  const elsewhere = process.namespaces.mnt !== world.host.namespaces.mnt;
  const met: Record<string, boolean> = {
    shared: isHosts,
    own: !isHosts,
    pivoted: !isHosts && elsewhere && rootPath === '/',
  };
  const table = elsewhere ? 'a mount table of its own' : "the host's mount table";
  return {
    met: met[root] ?? rootPath === root,
    saw: isHosts ? "the host's root directory" : `${rootPath} in ${table} as its root directory`,
  };
}

const same = (what: string, found: string | number, expected: string): Seen => ({
  met: String(found) === expected,
  saw: `${what} ${found}`,
});

function compare(process: Process, kind: z.output<typeof namespaceShape>, shared: boolean, world: World): Seen {
  const inode = process.namespaces[kind];
  const hosts = world.host.namespaces[kind];
  return {
    met: inode !== undefined && (inode === hosts) === shared,
    saw: inode === hosts ? `the host's ${kind} namespace (${kind}:[${inode}])` : `${kind}:[${inode}], not the host's`,
  };
}

const mapOf = (process: Process, of: 'uid' | 'gid'): string =>
  process
    .idMap(of)
    .map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`)
    .join(', ') || 'empty';

const capabilityWord = (name: string): string =>
  name === 'none' ? 'no capabilities' : name === 'all' ? 'all capabilities that it may have' : name;

function capability({ status }: Process, name: string, wanted: boolean): Seen {
  const { effective, bounding } = status.capabilities;
  const list = capabilityNames.filter((_, bit) => ((effective >> BigInt(bit)) & 1n) === 1n);
  const isIn = (one: string) => list.some((held) => held === one);
  const shown = list.length > 6 ? `${list.length} capabilities` : list.join(', ') || 'no capabilities';
  const has =
    name === 'none' ? effective === 0n : name === 'all' ? effective === bounding && effective !== 0n : isIn(name);
  const several = name === 'none' || name === 'all';
  return {
    met: has === wanted,
    saw: has === wanted || several ? shown : `${has ? '' : 'no '}${name} (it has ${shown})`,
  };
}
