/** A cgroup's plan as a program that the host's side runs: made, limited, and opened for a child to be born in. Pure. */
import type { CgroupPlan } from '../cgroup/driver.ts';
import type { CgroupWrite } from '../cgroup/limits.ts';
import { AT_FDCWD, BPF, flags, O } from '../linux/flags.ts';
import { type Cell, cell, data, type Program, ProgramBuilder } from './program.ts';
import { octal } from './stage.ts';

export interface CgroupProgram {
  readonly program: Program;
  /** The open directory, for CLONE_INTO_CGROUP. */
  readonly cgroup: Cell;
  /** What is open besides; closed once the program has run. */
  readonly opened: readonly Cell[];
}

/** The extended attribute by which a later run recognises whose cgroup it finds: `PID STARTTIME`. */
export const ownerAttribute = 'user.tare.owner';

/** @param owner the process that will remove it: its pid and start time (proc_pid_stat(5), field 22) */
export function compileCgroup(plan: CgroupPlan, owner: string): CgroupProgram {
  const b = new ProgramBuilder().stage('cgroup');
  const opened: Cell[] = [];
  for (const { path, why, allow, hints } of plan.directories)
    b.op(why, 'mkdirat', [AT_FDCWD, path, octal(0o755)], { ...(allow ? { allow } : {}), ...(hints ? { hints } : {}) });
  const size = Buffer.byteLength(owner);
  b.op('write down whose it is', 'setxattr', [plan.path, ownerAttribute, owner, size, 0], { allow: ['EOPNOTSUPP'] });
  for (const write of plan.enable) opened.push(writeTo(b, write.file, write));
  for (const write of plan.limits) opened.push(writeTo(b, `${plan.path}/${write.file}`, write));
  const cgroup = cell('cgroup');
  b.op(
    'open it, for the container to be born in',
    'openat',
    [AT_FDCWD, plan.path, flags(O, 'RDONLY', 'DIRECTORY', 'CLOEXEC'), 0],
    {
      into: cgroup,
    },
  );
  if (plan.devices !== undefined) opened.push(attachDevices(b, cgroup, plan.devices));
  return { program: { ops: b.ops }, cgroup, opened };
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

/** `union bpf_attr` of bpf(2), as far as these two commands read it. */
function attachDevices(b: ProgramBuilder, cgroup: Cell, { program, why }: NonNullable<CgroupPlan['devices']>): Cell {
  const judge = cell('judge');
  const count = program.length / 8;
  const load = data(`{BPF_PROG_TYPE_CGROUP_DEVICE, ${count} instructions}`, [
    { u32: BPF_PROG_TYPE_CGROUP_DEVICE },
    { u32: count },
    { address: data('{instructions}', [{ bytes: program }]) },
    { address: 'Apache-2.0' },
    { bytes: new Uint8Array(24) },
  ]);
  const attach = data('{BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI}', [
    { cell: cgroup, width: 4 },
    { cell: judge, width: 4 },
    { u32: BPF_CGROUP_DEVICE },
    { u32: BPF_F_ALLOW_MULTI },
    { u32: 0 },
  ]);
  const hints = {
    EPERM: 'device rules need CAP_BPF or CAP_SYS_ADMIN over the host',
    EINVAL: 'this kernel has no CONFIG_CGROUP_BPF',
  };
  b.op('load the program that judges access to devices', 'bpf', [flags(BPF, 'PROG_LOAD'), load, 48], {
    into: judge,
    hints,
  });
  b.op(why, 'bpf', [flags(BPF, 'PROG_ATTACH'), attach, 20], { hints });
  return judge;
}
