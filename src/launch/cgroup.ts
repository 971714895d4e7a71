/** A cgroup's plan as a program that the host's side runs: made, limited, and opened for a child to be born in. Pure. */
import type { CgroupPlan } from '../cgroup/driver.ts';
import type { CgroupWrite } from '../cgroup/limits.ts';
import { AT_FDCWD, BPF, flags, O } from '../linux/flags.ts';
import { type Cell, cell, data, type Program, ProgramBuilder } from './program.ts';
import { octal, retry } from './stage.ts';

export interface CgroupProgram {
  readonly program: Program;
  /** The open directory, for CLONE_INTO_CGROUP. */
  readonly cgroup: Cell;
  /** The program that judges access to devices, where this one has loaded it: worth keeping, for loading costs most of all. */
  readonly judge: Cell | undefined;
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
  for (const { path, why, allow, hints } of plan.directories)
    b.op(why, 'mkdirat', [AT_FDCWD, path, octal(0o755)], { ...(allow ? { allow } : {}), ...(hints ? { hints } : {}) });
  const size = Buffer.byteLength(owner);
  b.op('write down whose it is', 'setxattr', [plan.path, ownerAttribute, owner, size, 0], { allow: ['EOPNOTSUPP'] });
  for (const write of plan.enable) files.push(writeTo(b, write.file, write));
  for (const write of plan.limits) files.push(writeTo(b, `${plan.path}/${write.file}`, write));
  const open = [AT_FDCWD, plan.path, flags(O, 'RDONLY', 'DIRECTORY', 'CLOEXEC'), 0];
  const cgroup = b.result('cgroup', 'open it, for the container to be born in', 'openat', open);
  if (plan.devices === undefined) return { program: { ops: b.ops }, cgroup, judge: undefined, files };
  const loaded = judge === undefined ? loadJudge(b, plan.devices.program) : undefined;
  attachJudge(b, cgroup, loaded ?? judge ?? -1, plan.devices.why);
  return { program: { ops: b.ops }, cgroup, judge: loaded, files };
}

/** What changes the limits of a group that is there already. */
export function compileUpdate({ path, enable, limits }: Pick<CgroupPlan, 'path' | 'enable' | 'limits'>): Program {
  const b = new ProgramBuilder().stage('cgroup');
  for (const write of enable) b.op('close it', 'close', [writeTo(b, write.file, write)], { allow: ['EBADF'] });
  for (const write of limits)
    b.op('close it', 'close', [writeTo(b, `${path}/${write.file}`, write)], { allow: ['EBADF'] });
  return { ops: b.ops };
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
