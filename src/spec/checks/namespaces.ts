import { pointer, problem } from '../problem.ts';
import type { Problem } from '../problem.ts';
import { sysctlNamespace, sysctlPath } from '../sysctl.ts';
import { check, isNew, named, namespaceOf, repeated } from './check.ts';

/** `__NEW_UTS_LEN` of uname(2). */
const longestName = 64;

/** `IFNAMSIZ` of netdevice(7), less the final NUL; no slash, colon or blank. */
const interfaceName = /^(?!\.{1,2}$)[^\s/:]{1,15}$/;

/** `eth%d` lets a number be found. */
const templateOrPlain = /^[^%]*(%d[^%]*)?$/;

/** What uname(2) can hold. */
export function* namesFit(name: string, at: string): Generator<Problem> {
  if (new TextEncoder().encode(name).length <= longestName) return;
  yield problem(at, `must be at most ${longestName} bytes long`);
}

const namesCheck = (field: 'hostname' | 'domainname') =>
  check(`the ${field} belongs to a UTS namespace and fits uname(2)`, `/${field}`, function* (spec) {
    const name = spec[field];
    if (name === undefined) return;
    if (namespaceOf(spec, 'uts') === undefined) {
      yield problem(`/${field}`, 'needs a uts namespace: list one, or the host would be renamed');
    }
    yield* namesFit(name, `/${field}`);
  });

export const namespaceChecks = [
  check('each kind of namespace is listed once ("Namespaces")', '/linux/namespaces', function* ({ linux }) {
    for (const [index, { type }] of repeated(linux?.namespaces, (namespace) => namespace.type)) {
      yield problem(`/linux/namespaces/${index}`, `must not list ${type} again`);
    }
  }),
  check('the root is mounted in a mount namespace of its own', '/linux/namespaces', function* (spec) {
    if (namespaceOf(spec, 'mount') !== undefined) return;
    // A faulty entry may have been the one: it is reported already.
    if (spec.linux?.namespaces?.includes(undefined)) return;
    yield problem(
      '/linux/namespaces',
      'must list mount: the root cannot be changed in the mount namespace of the host',
    );
  }),
  namesCheck('hostname'),
  namesCheck('domainname'),
  check(
    'clocks are shifted in a new time namespace: once it has a process it is too late (time_namespaces(7))',
    '/linux/timeOffsets',
    function* (spec) {
      const offsets = Object.keys(spec.linux?.timeOffsets ?? {});
      if (offsets.length === 0 || isNew(spec, 'time')) return;
      const joined = namespaceOf(spec, 'time') !== undefined;
      const cure = joined ? 'leave out the path of the one listed' : 'list one';
      yield problem('/linux/timeOffsets', `needs a new time namespace: ${cure}`);
    },
  ),
  check('only sysctls of the container can be set, never those of the machine', '/linux/sysctl', function* (spec) {
    for (const [name] of named(spec.linux?.sysctl)) {
      const at = `/linux/sysctl${pointer(name)}`;
      const kind = sysctlNamespace(name);
      if (sysctlPath(name) === undefined) yield problem(at, 'must be a name such as net.ipv4.ip_forward');
      else if (kind === undefined) yield problem(at, 'belongs to no namespace: it would change the whole machine');
      else if (name.replace('/', '.') === 'kernel.hostname') yield problem(at, 'is set by the hostname of the spec');
      else if (namespaceOf(spec, kind) === undefined) {
        yield problem(at, `needs a ${kind} namespace: list one, or the host would be changed`);
      }
    }
  }),
  check(
    'network devices move to a network namespace, under names that it can have ("Network Devices")',
    '/linux/netDevices',
    function* (spec) {
      const devices = [...named(spec.linux?.netDevices)];
      if (devices.length > 0 && namespaceOf(spec, 'network') === undefined) {
        yield problem('/linux/netDevices', 'needs a network namespace to move them to: list one');
      }
      const taken = new Set<string>();
      for (const [name, device] of devices) {
        const at = `/linux/netDevices${pointer(name)}`;
        const inside = device.name ?? name;
        if (!interfaceName.test(name)) yield problem(at, 'must be the name of an interface');
        else if (!interfaceName.test(inside)) yield problem(`${at}/name`, 'must be the name of an interface');
        else if (!templateOrPlain.test(inside))
          yield problem(`${at}/name`, 'must not have a % but in %d, where the first number that is free stands');
        else if (taken.has(inside) && !inside.includes('%d'))
          yield problem(at, `must not be a second ${inside} in the container`);
        taken.add(inside);
      }
    },
  ),
];
