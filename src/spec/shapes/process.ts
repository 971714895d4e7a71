import { capabilityNames } from '../capability-names.ts';
import { rlimitNames } from '../rlimit-names.ts';
import { absolutePath, bitList, flag, integer, listOf, matching, objectOf, oneOf, required, text } from '../shape.ts';
import { uint32, uint64 } from '../shape.ts';
import type { Capabilities, IoPriority, Process, Rlimit, Scheduler, User } from '../spec.ts';

/** Permission bits without set-uid, set-gid and sticky. */
const permissions = integer(0, 0o777);

const user = objectOf<User>(
  { uid: required(uint32), gid: required(uint32), umask: permissions, additionalGids: listOf(uint32) },
  { username: 'belongs to windows: on linux give uid and gid' },
);

/** More CPUs no kernel is built for. */
const cpus = bitList(8192);

const capabilitySet = listOf(oneOf('a capability of capabilities(7)', capabilityNames));

const capabilities = objectOf<Capabilities>({
  bounding: capabilitySet,
  effective: capabilitySet,
  inheritable: capabilitySet,
  permitted: capabilitySet,
  ambient: capabilitySet,
});

const rlimit = objectOf<Rlimit>({
  type: required(oneOf('a limit of getrlimit(2)', rlimitNames)),
  soft: required(uint64),
  hard: required(uint64),
});

const scheduler = objectOf<Scheduler>({
  policy: required(
    oneOf('a policy of sched(7)', [
      'SCHED_OTHER',
      'SCHED_FIFO',
      'SCHED_RR',
      'SCHED_BATCH',
      'SCHED_ISO',
      'SCHED_IDLE',
      'SCHED_DEADLINE',
    ]),
  ),
  nice: integer(-20, 19),
  priority: integer(0, 99),
  flags: listOf(
    oneOf('a flag of sched_setattr(2)', [
      'SCHED_FLAG_RESET_ON_FORK',
      'SCHED_FLAG_RECLAIM',
      'SCHED_FLAG_DL_OVERRUN',
      'SCHED_FLAG_KEEP_POLICY',
      'SCHED_FLAG_KEEP_PARAMS',
      'SCHED_FLAG_UTIL_CLAMP_MIN',
      'SCHED_FLAG_UTIL_CLAMP_MAX',
    ]),
  ),
  runtime: uint64,
  deadline: uint64,
  period: uint64,
});

const ioPriority = objectOf<IoPriority>({
  class: required(oneOf('a class of ioprio_set(2)', ['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'])),
  priority: required(integer(0, 7)),
});

/** The kernel's `struct winsize` holds 16 bits each. */
const characters = integer(0, 2 ** 16 - 1);

export const variables = listOf(matching(/^[^=]+=/, 'must be NAME=value'));

export const process = objectOf<Process>(
  {
    terminal: flag,
    consoleSize: objectOf<{ height: number; width: number }>({
      height: required(characters),
      width: required(characters),
    }),
    user: required(user),
    args: required(listOf(text)),
    env: variables,
    cwd: required(absolutePath),
    capabilities,
    rlimits: listOf(rlimit),
    noNewPrivileges: flag,
    apparmorProfile: text,
    selinuxLabel: text,
    oomScoreAdj: integer(-1000, 1000),
    scheduler,
    ioPriority,
    execCPUAffinity: objectOf<{ initial?: string; final?: string }>({ initial: cpus, final: cpus }),
  },
  { commandLine: 'belongs to windows: on linux give args' },
);
