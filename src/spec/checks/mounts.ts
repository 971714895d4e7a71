import { idMapProblems } from '../id-maps.ts';
import { mountOptionNames, parseMountOptions } from '../mount-options.ts';
import { didYouMean } from '../nearest.ts';
import type { Problem } from '../problem.ts';
import { problem } from '../problem.ts';
import type { Sound } from '../shape.ts';
import type { Mount, Spec } from '../spec.ts';
import { isNew, numbered } from './check.ts';
import type { Check } from './check.ts';

const soundOptions = ({ options }: Sound<Mount>): string[] => [...numbered(options)].map(([, option]) => option);

/** "bind" may be the type as well as an option. */
function isBind(mount: Sound<Mount>): boolean {
  return mount.type === 'bind' || parseMountOptions(soundOptions(mount)).bind !== false;
}

const mounts = function* (spec: Sound<Spec>): Generator<[at: string, mount: Sound<Mount>]> {
  for (const [index, mount] of numbered(spec.mounts)) yield [`/mounts/${index}`, mount];
};

/** A word that only a filesystem of some kind can know does nothing for a bind mount: most likely it is misspelt. */
function* unknownBindOptions(mount: Sound<Mount>, at: string): Generator<Problem> {
  for (const [index, option] of numbered(mount.options)) {
    if (mountOptionNames.includes(option)) continue;
    const hint = didYouMean(option, mountOptionNames);
    yield problem(`${at}/options/${index}`, `must be an option of bind mounts, not '${option}'${hint}`);
  }
}

function* idMapOptionProblems(mount: Sound<Mount>, at: string, spec: Sound<Spec>): Generator<Problem> {
  const { idmap } = parseMountOptions(soundOptions(mount));
  const maps = [mount.uidMappings, mount.gidMappings].filter((each) => (each?.length ?? 0) > 0);
  if (maps.length === 1) {
    yield problem(at, 'must give both uidMappings and gidMappings, or neither');
  }
  if (idmap !== false && maps.length === 0 && !isNew(spec, 'user')) {
    yield problem(
      `${at}/options`,
      `needs maps for ${idmap}: give uidMappings and gidMappings, or a new user namespace`,
    );
  }
  if ((idmap !== false || maps.length > 0) && !isBind(mount)) {
    yield problem(at, 'must be a bind mount to have its ids mapped');
  }
}

export const mountChecks: readonly Check[] = [
  {
    name: 'a mount is a filesystem or shows something of the host ("Mounts")',
    path: '/mounts',
    *rule(spec) {
      for (const [at, mount] of mounts(spec)) {
        if (isBind(mount)) {
          if (mount.source === undefined) yield problem(`${at}/source`, 'must be given: it is what a bind mount shows');
        } else if (mount.type === undefined || mount.type === 'none') {
          const { remount, propagation } = parseMountOptions(soundOptions(mount));
          if (remount || propagation.length > 0) continue;
          yield problem(`${at}/type`, 'must name a filesystem, or the options must hold bind or rbind');
        }
      }
    },
  },
  {
    name: 'options of a bind mount are known ones',
    path: '/mounts',
    *rule(spec) {
      for (const [at, mount] of mounts(spec)) if (isBind(mount)) yield* unknownBindOptions(mount, at);
    },
  },
  {
    name: 'options do not contradict each other',
    path: '/mounts',
    *rule(spec) {
      for (const [at, mount] of mounts(spec)) {
        const options = soundOptions(mount);
        const parsed = parseMountOptions(options);
        const excludes = (one: string, other: string) => options.includes(one) && options.includes(other);
        if (excludes('bind', 'rbind')) yield problem(`${at}/options`, 'must hold bind or rbind, not both');
        if (excludes('idmap', 'ridmap')) yield problem(`${at}/options`, 'must hold idmap or ridmap, not both');
        if (parsed.tmpcopyup && mount.type !== 'tmpfs') {
          yield problem(`${at}/options`, 'must not hold tmpcopyup: it belongs to tmpfs');
        }
      }
    },
  },
  {
    name: 'an id-mapped mount has maps (mount_setattr(2))',
    path: '/mounts',
    *rule(spec) {
      for (const [at, mount] of mounts(spec)) {
        yield* idMapProblems(mount.uidMappings, `${at}/uidMappings`);
        yield* idMapProblems(mount.gidMappings, `${at}/gidMappings`);
        yield* idMapOptionProblems(mount, at, spec);
      }
    },
  },
];
