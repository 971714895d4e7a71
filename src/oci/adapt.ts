/**
 * What engines write into `config.json` and the spec does not know, or knows otherwise: it is put right before the document is
 * checked, with a warning where something is lost. Pure.
 */
import { capabilityNames } from '../spec/capability-names.ts';

type Node = Record<string, unknown>;

/** @param grantable the capabilities that can be passed on here */
export function adapt(document: unknown, grantable: ReadonlySet<string>, warn: (text: string) => void): unknown {
  if (!isNode(document)) return document;
  const { process, linux } = document;
  return {
    ...document,
    ...(isNode(process) ? { process: adaptProcess(process, grantable, warn) } : {}),
    ...(isNode(linux) ? { linux: adaptLinux(linux) } : {}),
  };
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Also of a `process.json` for `exec`. */
export function adaptProcess(process: Node, grantable: ReadonlySet<string>, warn: (text: string) => void): Node {
  const { capabilities, user } = process;
  // An engine's way to say whom it has looked up: the ids are what counts.
  const { username: _, ...ids } = isNode(user) ? user : {};
  return {
    ...process,
    // Go's runtimes take what is not there for zeros, and engines leave it out of a process for exec.
    ...(user === undefined ? { user: { uid: 0, gid: 0 } } : isNode(user) ? { user: ids } : {}),
    ...(isNode(capabilities) ? { capabilities: adaptCapabilities(capabilities, grantable, warn) } : {}),
  };
}

/** config.md, "Linux Process": what cannot be granted is warned of, and the container runs without it. */
function adaptCapabilities(sets: Node, grantable: ReadonlySet<string>, warn: (text: string) => void): Node {
  const known = (name: unknown): boolean => {
    if (typeof name !== 'string' || grantable.has(name)) return true;
    const why = (capabilityNames as readonly string[]).includes(name) ? 'cannot be granted here' : 'is unknown';
    warn(`the capability ${name} ${why}: left out`);
    return false;
  };
  const entries = Object.entries(sets).map(([set, names]): [string, unknown] => [
    set,
    Array.isArray(names) ? names.filter(known) : names,
  ]);
  const kept = Object.fromEntries(entries);
  const { ambient, permitted = [], inheritable = [], effective } = kept;
  const within = (names: unknown, ...others: unknown[]): unknown =>
    Array.isArray(names)
      ? names.filter((name) => others.every((other) => !Array.isArray(other) || other.includes(name)))
      : names;
  return {
    ...kept,
    ...(effective === undefined ? {} : { effective: within(effective, permitted) }),
    ...(ambient === undefined ? {} : { ambient: within(ambient, permitted, inheritable) }),
  };
}

function adaptLinux(linux: Node): Node {
  const { rootfsPropagation: kind, devices, resources } = linux;
  return {
    ...linux,
    // As mount(8) spells it: `rslave`. What is mounted below the root is the container's own.
    ...(typeof kind === 'string' ? { rootfsPropagation: kind === '' ? undefined : kind.replace(/^r/, '') } : {}),
    ...(Array.isArray(devices) ? { devices: devices.map((device) => adaptDevice(device)) } : {}),
    ...(isNode(resources) ? { resources: adaptResources(resources) } : {}),
  };
}

/** Some give the type of the file among its permissions. */
function adaptDevice(device: unknown): unknown {
  if (!isNode(device) || typeof device.fileMode !== 'number') return device;
  return { ...device, fileMode: device.fileMode & 0o777 };
}

/** Letters that mean nothing are passed over, as with runc. */
function adaptRule(rule: unknown): unknown {
  if (!isNode(rule) || typeof rule.access !== 'string') return rule;
  return { ...rule, access: rule.access.replace(/[^rwm]/g, '') };
}

/** What every new group has: whoever asks for no more needs no controller. containerd always asks for these shares. */
const usualShares = 1024;

function adaptResources(resources: Node): Node {
  const { pids, cpu, devices } = resources;
  const free = isNode(pids) && typeof pids.limit === 'number' && pids.limit <= 0;
  const usual = isNode(cpu) && cpu.shares === usualShares;
  return {
    ...resources,
    ...(Array.isArray(devices) ? { devices: devices.map((rule) => adaptRule(rule)) } : {}),
    ...(free ? { pids: undefined } : {}),
    ...(usual ? { cpu: { ...cpu, shares: undefined } } : {}),
  };
}
