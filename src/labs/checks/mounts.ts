/** `mount`: what a mount table holds. */
import type { MountEntry } from '../../index.ts';
import type { Finding } from '../finding.ts';
import type { World } from '../world.ts';
import type { MountExpected } from './shapes.ts';

/** Of the host: of the mount table in which the check itself runs. */
export function checkMount(expected: MountExpected, world: World): Finding {
  const { met, saw } = findMount(expected, world.self.mounts);
  return {
    passed: met,
    tested: "what does /proc/self/mountinfo say of the host's mount table?",
    expected: describeMount(expected),
    saw,
  };
}

/** `overlay at /merged with lowerdir=/a` */
export function describeMount({ at, absent, type, source, options, superOptions, propagation }: MountExpected): string {
  const what = `${type ?? 'a mount'}${source === undefined ? '' : ` of ${source}`}`;
  if (absent) return `no ${type ?? 'mount'} at ${at}`;
  const details = [...(options ?? []), ...(superOptions ?? []), ...(propagation === undefined ? [] : [propagation])];
  return `${what} at ${at}${details.length === 0 ? '' : ` with ${details.join(', ')}`}`;
}

/** The uppermost mount at a place counts, which is the last of its lines. */
export function findMount(
  expected: MountExpected,
  mounts: readonly MountEntry[],
): { readonly met: boolean; readonly saw: string } {
  const found = mounts.findLast(({ mountPoint }) => mountPoint === expected.at);
  if (found === undefined) return { met: expected.absent === true, saw: `no mount at ${expected.at}` };
  const { type, source, options, superOptions } = found;
  const isIt =
    (expected.type === undefined || expected.type === type) &&
    (expected.source === undefined || expected.source === source) &&
    (expected.options ?? []).every((one) => options.includes(one)) &&
    (expected.superOptions ?? []).every((one) => superOptions.includes(one)) &&
    (expected.propagation === undefined || expected.propagation === propagationOf(found));
  const details = [...options, ...superOptions.filter((one) => !options.includes(one)), propagationOf(found)];
  return {
    met: isIt !== (expected.absent === true),
    saw: `${type} of ${source} at ${expected.at} with ${details.join(', ')}`,
  };
}

function propagationOf({ propagation }: MountEntry): string {
  if (propagation.shared !== undefined) return 'shared';
  if (propagation.master !== undefined) return 'slave';
  return propagation.unbindable ? 'unbindable' : 'private';
}
