/** Whether a document is a spec that a container can be made of: every problem at once. */
import type { Check } from './checks/check.ts';
import { deviceChecks } from './checks/devices.ts';
import { documentChecks } from './checks/document.ts';
import { idMapChecks } from './checks/id-maps.ts';
import { linuxChecks } from './checks/linux.ts';
import { mountChecks } from './checks/mounts.ts';
import { namespaceChecks } from './checks/namespaces.ts';
import { processChecks } from './checks/process.ts';
import { resourceChecks } from './checks/resources.ts';
import { SpecError } from './problem.ts';
import type { Problem } from './problem.ts';
import type { Sound } from './shape.ts';
import { document } from './shapes/document.ts';
import type { Spec } from './spec.ts';

/** What a good spec holds beyond its shape, in the order of the document. */
export const checks: readonly Check[] = [
  ...documentChecks,
  ...mountChecks,
  ...processChecks,
  ...namespaceChecks,
  ...idMapChecks,
  ...deviceChecks,
  ...resourceChecks,
  ...linuxChecks,
];

function read(value: unknown): { sound: Sound<Spec> | undefined; problems: Problem[] } {
  const problems: Problem[] = [];
  const sound = document(value, '', (found) => problems.push(found));
  if (sound !== undefined) problems.push(...checks.flatMap(({ rule }) => [...rule(sound)]));
  return { sound, problems };
}

/** Everything that is wrong with a parsed `config.json`; none for a spec of Linux in any version 1.x. */
export function validate(value: unknown): Problem[] {
  return read(value).problems;
}

/**
 * The same as a promise kept: a spec, without the properties that the runtime-spec does not know ("Extensibility").
 * @throws SpecError with a line for each problem
 */
export function checkSpec(value: unknown): Spec {
  const { sound, problems } = read(value);
  if (problems.length > 0) throw new SpecError('check the spec', problems);
  // Without a problem nothing was left out.
  return sound as Spec;
}
