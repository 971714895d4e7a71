import { idMapProblems } from '../id-maps.ts';
import { mountOptionNames, parseMountOptions } from '../mount-options.ts';
import { didYouMean } from '../nearest.ts';
import type { Problem } from '../problem.ts';
import { problem } from '../problem.ts';
import type { Sound } from '../shape.ts';
import type { Mount } from '../spec.ts';
import { check, isNew, numbered } from './check.ts';

const soundOptions = ({ options }: Sound<Mount>): string[] => [...numbered(options)].map(([, option]) => option);

/** "bind" may be the type as well as an option. */
export function isBind(mount: Sound<Mount>): boolean {
  return mount.type === 'bind' || parseMountOptions(soundOptions(mount)).bind !== false;
}

/** A word that only a filesystem of some kind can know does nothing for a bind mount: most likely it is misspelt. */
function* unknownOptions(mount: Sound<Mount>, at: string): Generator<Problem> {
  if (!isBind(mount)) return;
  for (const [index, option] of numbered(mount.options)) {
    if (mountOptionNames.includes(option)) continue;
    const hint = didYouMean(option, mountOptionNames);
    yield problem(`${at}/options/${index}`, `must be an option of bind mounts, not '${option}'${hint}`);
  }
}

function* clashingOptions(mount: Sound<Mount>, at: string): Generator<Problem> {
  const options = soundOptions(mount);
  for (const [one, other] of [
    ['bind', 'rbind'],
    ['idmap', 'ridmap'],
  ] as const) {
    if (!options.includes(one) || !options.includes(other)) continue;
    yield problem(`${at}/options`, `must hold ${one} or ${other}, not both`);
  }
  if (options.includes('tmpcopyup') && mount.type !== 'tmpfs') {
    yield problem(`${at}/options`, 'must not hold tmpcopyup: it belongs to tmpfs');
  }
}

function* idMapOptions(mount: Sound<Mount>, at: string, hasIdMaps: boolean): Generator<Problem> {
  const { idmap } = parseMountOptions(soundOptions(mount));
  const maps = [mount.uidMappings, mount.gidMappings].filter((each) => (each?.length ?? 0) > 0);
  if (maps.length === 1) yield problem(at, 'must give both uidMappings and gidMappings, or neither');
  if (idmap !== false && maps.length === 0 && !hasIdMaps) {
    const cure = 'give the mount uidMappings and gidMappings, or the container a new user namespace';
    yield problem(`${at}/options`, `must have ids to map for ${idmap}: ${cure}`);
  }
  if ((idmap !== false || maps.length > 0) && !isBind(mount)) {
    yield problem(at, 'must be a bind mount to have its ids mapped');
  }
}

/**
 * What is wrong with the options of a mount.
 * @param hasIdMaps whether the container has a new user namespace, whose maps `idmap` takes for want of others
 */
export function* optionProblems(mount: Sound<Mount>, at: string, hasIdMaps: boolean): Generator<Problem> {
  yield* unknownOptions(mount, at);
  yield* clashingOptions(mount, at);
  yield* idMapOptions(mount, at, hasIdMaps);
}

export const mountChecks = [
  check('a mount is a filesystem or shows something of the host ("Mounts")', '/mounts', function* (spec) {
    for (const [index, mount] of numbered(spec.mounts)) {
      if (isBind(mount)) {
        if ('source' in mount) continue;
        yield problem(`/mounts/${index}/source`, 'must be given: it is what a bind mount shows');
      } else if (mount.type === undefined || mount.type === 'none') {
        const { remount, propagation } = parseMountOptions(soundOptions(mount));
        if (remount || propagation.length > 0) continue;
        yield problem(`/mounts/${index}/type`, 'must name a filesystem, or the options must hold bind or rbind');
      }
    }
  }),
  check('mount options are known and agree (mount_setattr(2))', '/mounts', function* (spec) {
    for (const [index, mount] of numbered(spec.mounts)) {
      yield* optionProblems(mount, `/mounts/${index}`, isNew(spec, 'user'));
    }
  }),
  check('maps of a mount are what the kernel takes (user_namespaces(7))', '/mounts', function* (spec) {
    for (const [index, mount] of numbered(spec.mounts)) {
      yield* idMapProblems(mount.uidMappings, `/mounts/${index}/uidMappings`);
      yield* idMapProblems(mount.gidMappings, `/mounts/${index}/gidMappings`);
    }
  }),
];
