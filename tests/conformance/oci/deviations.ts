/** Where a peer, as Debian 12 has it, does otherwise than the suite asks: its failing is then what is asserted, and told by the table. */
import { test } from 'vitest';
import type { Runtime } from './runtimes.ts';

const deviations: Readonly<Record<string, string>> = {
  'runc: all run, in their order, each at its moment, with the state on standard input':
    'runc 1.1 runs poststart when the container has been created, before its process runs',
  'crun: a failing prestart undoes the create': 'crun 1.8 says no more than "error executing hook"',
  'crun: a failing createRuntime undoes the create': 'crun 1.8 says no more than "error executing hook"',
  'crun: a failing createContainer undoes the create': 'crun 1.8 says no more than "error executing hook"',
  'crun: exec: a process from a file, detached, by its pid': 'crun 1.8 lists pids alone',
  'crun: exec: a process in the namespaces of the container, as its environment and its user':
    'crun 1.8 looks for the command in the PATH of nobody',
  'crun: events: what is used, of how much, and how often it was held back': 'crun 1.8 has no events',
  'crun: a limit that contradicts itself undoes the create': 'crun 1.8 leaves the groups of cgroup v1',
};

/** For the table of scripts/oci-table.mjs, which is to have what each runtime does as it is. */
const told = process.env.TARE_OCI_TABLE !== undefined;

/** Of a test that is known to fail. */
export const testThatFails = told ? test : test.fails;

/** `test`, or for a known deviation the assertion that it is still one. */
export const testOf =
  (runtime: Runtime) =>
  (title: string, body: () => void | Promise<void>): void =>
    (deviations[`${runtime.name}: ${title}`] === undefined ? test : testThatFails)(title, body);
