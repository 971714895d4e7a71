/** Which devices a container may use: Docker's list and runc's, as rules for the cgroup and as nodes. */
import type { DeviceRequest } from './request.ts';
import type { DeviceRule } from './resources.ts';
import type { SpecFacts } from './spec-facts.ts';
import type { Device } from './spec.ts';

const everything: DeviceRule = { allow: false, access: 'rwm' };

/** Making a node is harmless while using it is denied. */
const anyNode: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
];

/** The numbers of Linux' devices.txt. */
const harmless: readonly [number, number | undefined][] = [
  [1, 3], // null
  [1, 5], // zero
  [1, 7], // full
  [1, 8], // random
  [1, 9], // urandom
  [5, 0], // tty
  [5, 1], // console
  [5, 2], // ptmx
  [136, undefined], // every terminal of devpts
];

/** Nothing but the default devices. The request's own come after it: the last rule that matches decides. */
export const defaultDeviceRules: readonly DeviceRule[] = [
  everything,
  ...anyNode,
  ...harmless.map(([major, minor]): DeviceRule => {
    const number = minor === undefined ? { major } : { major, minor };
    return { allow: true, type: 'c', ...number, access: 'rwm' };
  }),
];

/** What a privileged container may use. */
export const allDeviceRules: readonly DeviceRule[] = [{ allow: true, access: 'rwm' }];

/** The nodes that a request adds, and the rules that let the container use them. */
export function requestedDevices(
  requests: readonly DeviceRequest[],
  { devices: nodes }: SpecFacts,
): { devices: Device[]; rules: DeviceRule[] } {
  const devices: Device[] = [];
  const rules: DeviceRule[] = [];
  for (const { source, target, permissions } of requests) {
    const node = nodes?.get(source);
    if (node === undefined) continue;
    const { type, major, minor } = node;
    devices.push({ path: target, ...node });
    rules.push({ allow: true, type, major, minor, access: permissions });
  }
  return { devices, rules };
}

/** "Default Devices" of the spec: every container gets its own, and its own console and terminals. */
const ownNodes = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'console', 'ptmx'].map((name) => `/dev/${name}`);

/** The host's nodes under their own names, for a privileged container. */
export function hostDevices({ devices: nodes }: SpecFacts): Device[] {
  return [...(nodes ?? [])].filter(([path]) => !ownNodes.includes(path)).map(([path, node]) => ({ path, ...node }));
}
