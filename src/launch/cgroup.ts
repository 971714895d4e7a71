/** A cgroup's plan as a program that the host's side runs: made, limited, and opened for a child to be born in. Pure. */
import type { CgroupDirectory, CgroupPlan } from '../cgroup/driver.ts';
import type { V1Group } from '../cgroup/hierarchy.ts';
import type { CgroupWrite } from '../cgroup/limits.ts';
import { AT, AT_FDCWD, BPF, flags, O } from '../linux/flags.ts';
import { type Cell, cell, data, type Program, ProgramBuilder } from './program.ts';
import { octal, retry } from './stage.ts';

export interface CgroupProgram {
  readonly program: Program;
  /** The open directory, for CLONE_INTO_CGROUP. */
  readonly cgroup: Cell;
  /** The program that judges access to devices, where this one has loaded it: worth keeping, for loading costs most of all. */
  readonly judge: Cell | undefined;
  /** Files through which the child moves to groups of cgroup v1, in the order of the plan. */
  readonly v1: readonly Cell[];
  /** What else is open once the program has run. */
  readonly files: readonly Cell[];
}

export interface CgroupOptions {
  /** The process that will remove it, in words that no other process shares. */
  readonly owner: string;
  /** fd of the plan's device program, where it is loaded already. */
  readonly judge?: number;
}

/** The extended attribute by which a later run recognises whose cgroup it finds: see container/owner.ts. */
export const ownerAttribute = 'user.tare.owner';

export function compileCgroup(plan: CgroupPlan, { owner, judge }: CgroupOptions): CgroupProgram {
  const b = new ProgramBuilder().stage('cgroup');
  const files: Cell[] = [];
  for (const directory of plan.directories) files.push(...makeDirectory(b, directory));
  const size = Buffer.byteLength(owner);
  b.op('write down whose it is', 'setxattr', [plan.path, ownerAttribute, owner, size, 0], { allow: ['EOPNOTSUPP'] });
  for (const write of plan.enable) files.push(writeTo(b, write.file, write));
  for (const { path, limits } of [plan, ...plan.v1])
    for (const write of limits) files.push(writeTo(b, `${path}/${write.file}`, write));
  const v1 = plan.v1.map(({ path }) => {
    const args = [AT_FDCWD, `${path}/cgroup.procs`, flags(O, 'WRONLY', 'CLOEXEC'), 0];
    return b.result('procs', `open ${path}, for the container to move to`, 'openat', args);
  });
  const open = [AT_FDCWD, plan.path, flags(O, 'RDONLY', 'DIRECTORY', 'CLOEXEC'), 0];
  const cgroup = b.result('cgroup', 'open it, for the container to be born in', 'openat', open);
  if (plan.devices === undefined) return { program: { ops: b.ops }, cgroup, judge: undefined, v1, files };
  const loaded = judge === undefined ? loadJudge(b, plan.devices.program) : undefined;
  attachJudge(b, cgroup, loaded ?? judge ?? -1, plan.devices.why);
  return { program: { ops: b.ops }, cgroup, judge: loaded, v1, files };
}

/** What changes the limits of a group that is there already. */
export function compileUpdate(plan: Pick<CgroupPlan, 'path' | 'enable' | 'limits' | 'v1'>): Program {
  const b = new ProgramBuilder().stage('cgroup');
  const close = (file: Cell): void => b.op('close it', 'close', [file], { allow: ['EBADF'] });
  for (const write of plan.enable) close(writeTo(b, write.file, write));
  for (const { path, limits } of [plan, ...plan.v1])
    for (const write of limits) close(writeTo(b, `${path}/${write.file}`, write));
  return { ops: b.ops };
}

/**
 * Removes a container's groups, which may be gone already. Those of v1 go first: as long as there is the one of v2, they are
 * found.
 */
export function removeGroups(b: ProgramBuilder, { path, v1 }: OwnGroups): void {
  for (const group of [...v1.map((each) => each.path), path])
    b.op(`remove the cgroup ${group}`, 'unlinkat', [AT_FDCWD, group, flags(AT, 'REMOVEDIR')], { allow: ['ENOENT'] });
}

export interface OwnGroups {
  /** Of v2. */
  readonly path: string;
  readonly v1: readonly V1Group[];
}

function makeDirectory(
  b: ProgramBuilder,
  { path, why, allow, hints, first = [], fill = false }: CgroupDirectory,
): Cell[] {
  const make = [AT_FDCWD, path, octal(0o755)];
  const options = { ...(allow ? { allow } : {}), ...(hints ? { hints } : {}) };
  const files: Cell[] = [];
  const write = (): void => first.forEach((each) => void files.push(writeTo(b, `${path}/${each.file}`, each)));
  if (first.length > 0 && !fill) b.unless(why, 'mkdirat', make, options, write);
  else {
    b.op(why, 'mkdirat', make, options);
    write();
  }
  return files;
}

function writeTo(b: ProgramBuilder, file: string, { value, why, allow, hints }: CgroupWrite): Cell {
  const options = { ...(allow ? { allow } : {}), ...(hints ? { hints } : {}) };
  const fd = cell('file');
  const write = () => b.op(why, 'write', [fd, value, Buffer.byteLength(value)], options);
  const open = [AT_FDCWD, file, flags(O, 'WRONLY', 'CLOEXEC'), 0];
  if (allow === undefined) {
    b.op(`${why}: open ${file}`, 'openat', open, { into: fd, ...options });
    write();
  } else b.unless(`${why}: open ${file}`, 'openat', open, { into: fd, ...options }, write);
  return fd;
}

const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;

const judgeHints = {
  EPERM: 'device rules need CAP_BPF or CAP_SYS_ADMIN over the host',
  EINVAL: 'this kernel has no CONFIG_CGROUP_BPF',
};

/** `union bpf_attr` of bpf(2), as far as BPF_PROG_LOAD reads it. */
function loadJudge(b: ProgramBuilder, instructions: Uint8Array): Cell {
  const count = instructions.length / 8;
  const attributes = data(`{BPF_PROG_TYPE_CGROUP_DEVICE, ${count} instructions}`, [
    { u32: BPF_PROG_TYPE_CGROUP_DEVICE },
    { u32: count },
    { address: data('{instructions}', [{ bytes: instructions }]) },
    { address: 'Apache-2.0' },
    { bytes: new Uint8Array(24) },
  ]);
  const args = [flags(BPF, 'PROG_LOAD'), attributes, 48];
  // The verifier gives up with EAGAIN when a signal is pending.
  const options = { retry, hints: judgeHints };
  return b.result('judge', 'load the program that judges access to devices', 'bpf', args, options);
}

function attachJudge(b: ProgramBuilder, cgroup: Cell, judge: Cell | number, why: string): void {
  const attributes = data('{BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI}', [
    { cell: cgroup, width: 4 },
    typeof judge === 'number' ? { u32: judge } : { cell: judge, width: 4 },
    { u32: BPF_CGROUP_DEVICE },
    { u32: BPF_F_ALLOW_MULTI },
    { u32: 0 },
  ]);
  b.op(why, 'bpf', [flags(BPF, 'PROG_ATTACH'), attributes, 20], { hints: judgeHints });
}
