/** Words that several kinds of checks share. */
import * as z from 'zod';

/** Numbers may be placeholders, so they are compared as text. */
export const scalar = z.union([z.string(), z.number()]).transform(String);

export const namespaceShape = z.enum(['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts']);

/** A number of a file, or its text: exactly, or within bounds. */
export const expectedShape = z.union([
  scalar,
  z.strictObject({
    /** The word before the number, in files of `KEY VALUE` lines; `some.total` in pressure files. */
    key: z.string().optional(),
    is: scalar.optional(),
    not: scalar.optional(),
    /** A word among others. */
    has: scalar.optional(),
    min: scalar.optional(),
    max: scalar.optional(),
  }),
]);
export type Expected = z.output<typeof expectedShape>;

export const mountShape = z.strictObject({
  /** Where: from the root directory of whoever's mount table it is. */
  at: z.string(),
  absent: z.literal(true).optional(),
  type: z.string().optional(),
  source: z.string().optional(),
  /** Of the mount, such as `ro`. */
  options: z.array(z.string()).optional(),
  /** Of the filesystem, such as `lowerdir=/a`. */
  superOptions: z.array(z.string()).optional(),
  propagation: z.enum(['shared', 'private', 'slave', 'unbindable']).optional(),
});
export type MountExpected = z.output<typeof mountShape>;
