/** When and where the payload gets its turn, and its memory: sched(7), ioprio_set(2), set_mempolicy(2), proc_pid_oom_score_adj(5). */
import { AT_FDCWD, flags, IOPRIO_WHO, named } from '../linux/flags.ts';
import { listedIds } from '../spec/shape.ts';
import type { MemoryPolicy } from '../spec/spec.ts';
import { data, type ProgramBuilder } from './program.ts';
import { type Stage, writeFile } from './stage.ts';

/** What is set through the host's /proc or needs the host's powers: while both are still in sight. */
export function setPriorities({ b, spec }: Stage): void {
  const { oomScoreAdj, scheduler, ioPriority } = spec.process;
  if (oomScoreAdj !== undefined) {
    const hints = { EACCES: 'going below what this process has needs CAP_SYS_RESOURCE' };
    writeFile(
      b,
      `set the OOM score to ${oomScoreAdj}`,
      AT_FDCWD,
      '/proc/self/oom_score_adj',
      String(oomScoreAdj),
      hints,
    );
  }
  if (ioPriority !== undefined) {
    const classes = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 };
    const value = (classes[ioPriority.class] << 13) | ioPriority.priority;
    const shown = named(value, `${ioPriority.class}:${ioPriority.priority}`);
    b.op('set the I/O priority', 'ioprio_set', [flags(IOPRIO_WHO, 'PROCESS'), 0, shown], {
      hints: { EPERM: 'the real-time class needs CAP_SYS_NICE' },
    });
  }
  if (scheduler !== undefined) setScheduler(b, scheduler);
  if (spec.linux?.memoryPolicy !== undefined) setMemoryPolicy(b, spec.linux.memoryPolicy);
}

const policies = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};
const schedulerFlags = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};

function setScheduler(b: ProgramBuilder, scheduler: NonNullable<Stage['spec']['process']['scheduler']>): void {
  const bits = (scheduler.flags ?? []).reduce((sum, flag) => sum | schedulerFlags[flag], 0);
  const attr = data(`{sched_policy: ${scheduler.policy}}`, [
    { u32: 48 },
    { u32: policies[scheduler.policy] },
    { u64: bits },
    { u32: scheduler.nice ?? 0 },
    { u32: scheduler.priority ?? 0 },
    { u64: scheduler.runtime ?? 0 },
    { u64: scheduler.deadline ?? 0 },
    { u64: scheduler.period ?? 0 },
  ]);
  b.op(`schedule as ${scheduler.policy}`, 'sched_setattr', [0, attr, 0], {
    hints: { EPERM: 'real-time policies need CAP_SYS_NICE over the host' },
  });
}

/** include/uapi/linux/mempolicy.h. */
const memoryModes = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};
const memoryFlags = { MPOL_F_NUMA_BALANCING: 1 << 13, MPOL_F_RELATIVE_NODES: 1 << 14, MPOL_F_STATIC_NODES: 1 << 15 };

function setMemoryPolicy(b: ProgramBuilder, { mode, nodes = '', flags: names = [] }: MemoryPolicy): void {
  const bits = names.reduce((sum, name) => sum | memoryFlags[name], memoryModes[mode]);
  const listed = listedIds(nodes);
  const fields = maskOf(listed);
  const mask = listed.length === 0 ? 0 : data(`{nodes: ${nodes}}`, fields);
  const policy = named(bits, [mode, ...names].join('|'));
  // maxnode counts one more than the bits that are looked at.
  const maxnode = listed.length === 0 ? 0 : fields.length * 64 + 1;
  b.op(`place its memory by ${mode}`, 'set_mempolicy', [policy, mask, maxnode], {
    hints: {
      EINVAL: 'the mode, the flags and the nodes do not fit together, or this machine has no such node',
      ENOSYS: 'this kernel has no NUMA support',
    },
  });
}

/** execCPUAffinity: where a process that joins runs before it is in the container, and where from then on. */
export function setAffinity({ b, spec }: Pick<Stage, 'b' | 'spec'>, when: 'initial' | 'final'): void {
  const list = spec.process.execCPUAffinity?.[when] ?? '';
  if (list === '') return;
  const fields = maskOf(listedIds(list));
  b.op(`run on the CPUs ${list}`, 'sched_setaffinity', [0, fields.length * 8, data(`{${list}}`, fields)], {
    hints: { EINVAL: 'none of them is there, or the cpuset of the container has none of them' },
  });
}

/** Words of 64 bits. */
function maskOf(numbers: readonly number[]): { u64: bigint }[] {
  const words = Math.floor(Math.max(0, ...numbers) / 64) + 1;
  return Array.from({ length: words }, (_, word) => ({
    u64: numbers
      .filter((number) => Math.floor(number / 64) === word)
      .reduce((sum, number) => sum | (1n << BigInt(number % 64)), 0n),
  }));
}
