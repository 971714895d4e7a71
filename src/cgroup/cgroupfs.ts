/** The driver that makes groups itself, by mkdir and write: cgroups(7), "Creating cgroups". */
import path from 'node:path/posix';
import { TareError } from '../errors.ts';
import type { Errno } from '../linux/abi.ts';
import { compileDeviceRules, defaultDeviceRules, type DeviceRule, deviceRuleText } from '../linux/bpf-devices.ts';
import type { CgroupDirectory, CgroupDriver, CgroupPlan, CgroupRequest } from './driver.ts';
import { type CgroupHost, readEnabled, readTrimmed } from './hierarchy.ts';
import { type CgroupWrite, compileLimits } from './limits.ts';
import { isForV1, planV1, type ReadFile, v1Directories } from './plan-v1.ts';
import { refuseMissing, refuseUnsupported } from './refusals.ts';

type Enabled = ReadonlyMap<string, readonly string[]>;

/** The directory of the group, which must lie in what is ours: a spec from elsewhere may name any path. */
function groupPath(delegated: string, parent: string, mount: string, { id, cgroupsPath }: CgroupRequest): string {
  const asked = cgroupsPath === undefined || cgroupsPath === '' ? id : cgroupsPath;
  const absolute = path.isAbsolute(asked);
  const found = path.resolve(absolute ? mount : parent, `./${asked}`);
  const top = absolute ? delegated : parent;
  if (found === top || !isWithin(top, found) || asked.includes('\n')) {
    throw new TareError(`make the cgroup ${JSON.stringify(asked)}: it would not lie below ${top}`, {
      hint: 'name one that does in linux.cgroupsPath, or none',
    });
  }
  return found;
}

const isWithin = (directory: string, file: string): boolean =>
  file === directory || file.startsWith(directory === '/' ? '/' : `${directory}/`);

/** `below` and every directory above it up to `top`, both included, from the top down. */
function downTo(top: string, below: string): string[] {
  const found = [below];
  for (let at = below; at !== top;) {
    at = path.dirname(at);
    found.unshift(at);
  }
  return found;
}

function makeDirectories(groups: readonly string[], leaf: string): CgroupDirectory[] {
  return groups.map((group) => {
    if (group !== leaf) return { path: group, why: `make the cgroup ${group} for our containers`, allow: ['EEXIST'] };
    const hints = {
      EEXIST: `a container of this name runs, or ended without cleaning up: rmdir ${leaf} once it is empty`,
    };
    return { path: leaf, why: `make the cgroup ${leaf} for the container`, hints };
  });
}

function enableControllers(groups: readonly string[], wanted: readonly string[], enabled: Enabled): CgroupWrite[] {
  return groups.flatMap((group) => {
    // A write that changes nothing still waits for removed groups to be gone, so none is made.
    const missing = wanted.filter((controller) => !(enabled.get(group) ?? []).includes(controller));
    if (missing.length === 0) return [];
    return {
      file: `${group}/cgroup.subtree_control`,
      value: missing.map((controller) => `+${controller}`).join(' '),
      why: `let groups under ${group} have ${missing.join(', ')}`,
      hints: {
        EBUSY: `processes live in ${group} itself; move them to a group below it ("no internal processes")`,
        ENOENT: `${group} is not given ${missing.join(', ')}: see its cgroup.controllers`,
        EINVAL: missing.includes('cpu')
          ? 'the cpu controller needs every real-time process in the root group'
          : undefined,
        EOPNOTSUPP: `${group} is threaded, and ${missing.join(', ')} may need a domain: see its cgroup.type`,
      },
    };
  });
}

/** What nobody has asked to limit: where it cannot be had, it is not counted. */
function enableMore(groups: readonly string[], controllers: readonly string[], enabled: Enabled): CgroupWrite[] {
  const fine: readonly Errno[] = ['EBUSY', 'ENOENT', 'EINVAL', 'EOPNOTSUPP'];
  return groups.flatMap((group) =>
    controllers
      .filter((controller) => !(enabled.get(group) ?? []).includes(controller))
      .map((controller) => ({
        file: `${group}/cgroup.subtree_control`,
        value: `+${controller}`,
        why: `let what groups under ${group} use of ${controller} be counted`,
        allow: fine,
      })),
  );
}

function deviceProgram(rules: readonly DeviceRule[] | undefined): Pick<CgroupPlan, 'devices'> {
  if (rules === undefined) return {};
  const program = compileDeviceRules([...rules, ...defaultDeviceRules]);
  const why = `allow devices by rule: ${rules.map(deviceRuleText).join(', ')}; and those every container has`;
  return program === undefined ? {} : { devices: { program, why } };
}

/**
 * The plan for a group: pure. `enabled` says which controllers the groups above pass on already, `read` what files say.
 *
 * Undefined where nothing is limited and no group of ours can be made.
 */
export function planCgroup(
  host: CgroupHost,
  request: CgroupRequest,
  enabled: (groups: readonly string[]) => Enabled,
  read: ReadFile = () => '',
): CgroupPlan | undefined {
  const { resources = {} } = request;
  refuseUnsupported(resources, host.v1Grantable);
  const { unified = {}, ...rest } = resources;
  const limits = [...compileLimits(rest).filter((limit) => !isForV1(host, limit)), ...compileLimits({ unified })];
  refuseMissing(host, limits);
  const { mount, delegated, parent } = host;
  if (mount === undefined || delegated === undefined || parent === undefined) {
    if (limits.length === 0) return undefined;
    throw new TareError(`cannot set ${limits.map(({ file }) => file).join(', ')}: no cgroup is ours to divide`, {
      hint: 'run as root, or under systemd-run --user --scope -p Delegate=yes',
    });
  }
  const leaf = groupPath(delegated, parent, mount, request);
  const above = downTo(delegated, path.dirname(leaf));
  const wanted = [...new Set(limits.flatMap(({ controller }) => controller ?? []))];
  const more = host.counts === true ? host.grantable.filter((controller) => !wanted.includes(controller)) : [];
  const passedOn: Enabled = wanted.length + more.length === 0 ? new Map() : enabled(above);
  const v1 = planV1(host, request, leaf);
  return {
    path: leaf,
    directories: [
      ...makeDirectories([...above.slice(1), leaf], leaf),
      ...v1.flatMap((group) => v1Directories(host, group, read)),
    ],
    enable: [...enableControllers(above, wanted, passedOn), ...enableMore(above, more, passedOn)],
    limits: limits.map(({ controller: _, ...write }) => write),
    v1,
    ...deviceProgram(resources.devices),
  };
}

export const cgroupfs: CgroupDriver = {
  name: 'cgroupfs',
  plan: async (host, request) => planCgroup(host, request, readEnabled, readTrimmed),
};
