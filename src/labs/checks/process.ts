/**
 * `process`: is there a process whose state in the kernel is such? It is looked for under /proc, by that state alone: names
 * and command lines say nothing, since a process may choose them.
 */
import type { Finding } from '../finding.ts';
import type { Process, World } from '../world.ts';
import { type Criterion, criteriaOf } from './criteria.ts';
import type { ProcessExpected } from './process-shape.ts';

export async function checkProcess(expected: ProcessExpected, world: World): Promise<Finding> {
  const criteria = criteriaOf(expected, world);
  const { met, nearest } = await search(criteria, world);
  return {
    passed: met.length > 0,
    tested: 'is there such a process, anywhere under /proc?',
    expected: describeProcess(expected, world),
    saw: await describeSearch(met[0] ?? nearest, criteria, world),
  };
}

/** `a process whose host name is …, of uid …` */
export const describeProcess = (expected: ProcessExpected, world: World): string =>
  `a process ${criteriaOf(expected, world)
    .map((one) => one.expected)
    .filter(Boolean)
    .join(', ')}`;

/** All processes that are as expected. */
export async function findProcesses(expected: ProcessExpected, world: World): Promise<readonly Process[]> {
  return (await search(criteriaOf(expected, world), world)).met;
}

interface Search {
  readonly met: readonly Process[];
  /** Of those that differ from the host in something that was asked for, the one that meets most. */
  readonly nearest: Process | undefined;
}

async function search(criteria: readonly Criterion[], world: World): Promise<Search> {
  const ordinary = await Promise.all(criteria.map(({ look }) => hostMeets(look, world)));
  const met: Process[] = [];
  let nearest: { process: Process; count: number } | undefined;
  for (const process of world.processes()) {
    try {
      const seen = await Promise.all(criteria.map(async ({ look }) => (await look(process)).met));
      if (seen.every(Boolean)) met.push(process);
      const special = seen.some((isMet, index) => isMet && ordinary[index] === false) && world.isStudents(process);
      const count = criteria.reduce((sum, { weight = 1 }, index) => sum + (seen[index] === true ? weight : 0), 0);
      // Of equals the younger one: most likely it is the student's.
      if (special && count >= (nearest?.count ?? 1)) nearest = { process, count };
    } catch {
      // It has ended meanwhile, or is not ours to look into.
    }
  }
  return { met, nearest: nearest?.process };
}

/** Whether this very process meets it: then it tells nothing of what the student has done. */
async function hostMeets(look: Criterion['look'], world: World): Promise<boolean> {
  try {
    return (await look(world.self)).met;
  } catch {
    return false;
  }
}

async function describeSearch(
  process: Process | undefined,
  criteria: readonly Criterion[],
  world: World,
): Promise<string> {
  if (process === undefined) return `none: of ${world.processes().length} processes, no one comes near`;
  try {
    const seen = await Promise.all(criteria.map(async ({ look }) => look(process)));
    const failed = seen.filter(({ met }) => !met);
    const shown = failed.length > 0 ? failed : seen;
    return `${failed.length > 0 ? 'no such one; nearest is ' : ''}${process.label}: ${[...new Set(shown.map(({ saw }) => saw))].join(', ')}`;
  } catch {
    return `process ${process.pid}, which has just ended`;
  }
}
