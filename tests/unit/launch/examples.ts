/** A container as `tare run busybox true` makes it, for tests to vary. */
import { compile } from '../../../src/launch/compile.ts';
import { explainCall } from '../../../src/launch/explain.ts';
import type { Facts } from '../../../src/launch/facts.ts';
import type { Program } from '../../../src/launch/program.ts';
import { maskedPaths } from '../../../src/spec/default-paths.ts';
import { specOf } from '../../../src/spec/defaults.ts';
import type { RunRequest } from '../../../src/spec/request.ts';
import type { Linux, Spec } from '../../../src/spec/spec.ts';
import { busybox, host } from '../spec/examples.ts';

/** Of the masked paths. */
const directories = new Set([
  '/proc/acpi',
  '/proc/asound',
  '/proc/scsi',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]);

export const facts: Facts = {
  arch: 'x64',
  lastCapability: 40,
  ignoredSignals: [13, 25],
  root: { kind: 'overlay', lower: ['/var/lib/tare/busybox'] },
  scratch: '/run/tare',
  rootless: false,
  setgroups: true,
  paths: new Map(maskedPaths.map((path) => [path, directories.has(path) ? 'directory' : 'file'])),
  payloadFds: 3,
  idMapped: new Map(),
  seccomp: { bpf: new Uint8Array(24), flags: 0, notify: false },
  waitForStart: false,
  dieWithParent: true,
  init: false,
};

export const specFor = (request: Partial<RunRequest> = {}): Spec =>
  specOf({ image: 'busybox', args: ['true'], ...request }, busybox, host);

/** Next to nothing: no namespaces, no mounts, no capabilities. */
export const bareSpec = (linux: Linux = {}): Spec => ({
  ociVersion: '1.3.0',
  root: { path: 'root' },
  process: { user: { uid: 0, gid: 0 }, args: ['/bin/true'], cwd: '/' },
  linux,
});

/** The calls of a program, a line each, without their numbers. */
export const calls = ({ ops }: Program): string[] => ops.map(explainCall);

export const compiled = (spec: Spec = specFor(), more: Partial<Facts> = {}): Program =>
  compile(spec, { ...facts, ...more }).program;

/** What one program does and the other does not, in order: `- ` what is gone, `+ ` what is new. */
export function difference(before: Program, after: Program): string {
  const [was, is] = [calls(before), calls(after)];
  const rest = [...was];
  const added = is.filter((call) => {
    const at = rest.indexOf(call);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return [...rest.map((call) => `- ${call}`), ...added.map((call) => `+ ${call}`)].join('\n');
}
