/** What may be asked of a process: docs/labs.md has it for people. */
import * as z from 'zod';
import { fileShape } from './file.ts';
import { mountShape, namespaceShape, scalar } from './shapes.ts';

export const processShape = z.strictObject({
  /** The host name in its UTS namespace. */
  hostname: z.string().optional(),
  /** Namespaces that are not the host's. */
  own: z.array(namespaceShape).optional(),
  /** Namespaces that are the host's. */
  shared: z.array(namespaceShape).optional(),
  /** Its pid in its innermost pid namespace. */
  pid: scalar.optional(),
  /** Effective ids as the host sees them. */
  uid: scalar.optional(),
  gid: scalar.optional(),
  /** As `0 1000 1`, inside, outside, how many; several with commas. */
  uidMap: z.string().optional(),
  gidMap: z.string().optional(),
  /**
   * Its root directory: `shared` with the host, or `own`; `pivoted` if it is also the root of a mount table that is not the host's;
   * or its path on the host.
   */
  root: z
    .union([z.enum(['own', 'shared', 'pivoted']), z.string().regex(/^[/{]/, 'own, shared, pivoted, or a path')])
    .optional(),
  /** Its working directory's path on the host. */
  cwd: z.string().optional(),
  /** Effective capabilities: `CAP_SYS_ADMIN`, or `none` and `all`. */
  has: z.array(z.string()).optional(),
  lacks: z.array(z.string()).optional(),
  noNewPrivileges: z.boolean().optional(),
  seccomp: z.enum(['disabled', 'strict', 'filter']).optional(),
  /** How many processes its own /proc shows, at most. */
  sees: scalar.optional(),
  /** Its group in the unified hierarchy, as /proc/PID/cgroup has it; `*` at one end stands for anything. */
  cgroup: z.string().optional(),
  mounts: z.array(mountShape).optional(),
  /** As it sees them: paths from its root directory on. */
  files: z.array(fileShape).optional(),
  /** Of what kind one of its open files is. */
  opens: z.enum(['block device', 'character device', 'socket', 'pipe', 'directory']).optional(),
  /** How many mounts its table has, at most. */
  mountsAtMost: scalar.optional(),
});
export type ProcessExpected = z.output<typeof processShape>;
