/** Names → what they name; everything that is wrong with them at once. */
import { TareError } from '../errors.ts';
import { didYouMean } from '../spec/nearest.ts';
import { backends } from './backends.ts';
import type { Backend } from './types/backend.ts';
import { type Suite, suites } from './suites.ts';
import type { WeighCommand } from './types/command.ts';
import type { Workload } from './types/workload.ts';
import { workloads } from './workloads.ts';

export interface Choice {
  readonly backends: readonly Backend[];
  readonly workloads: readonly Workload[];
  readonly suite?: Suite;
}

/** What a quick look asks when nothing is asked for. */
const quick = ['start', 'memory'];

/** @throws TareError with a line for each name that is none, and the names there are */
export function choose({ words, suite: paper, backends: wanted, effort, image }: WeighCommand): Choice {
  const questions = new Map(workloads.map((workload) => [workload.question as string, workload]));
  const known = namedBackends();
  const papers = new Map(suites.map((suite) => [suite.name, suite]));
  const suite = papers.get(paper ?? '');
  const names = wanted ?? suite?.backends;
  const problems = [
    ...(paper !== undefined && suite === undefined ? [complaint('suite', paper, papers)] : []),
    ...(paper !== undefined && words.length > 0 ? [`--suite ${paper}: it has questions of its own, so name none`] : []),
    ...words.filter((word) => !questions.has(word)).map((word) => complaint('question', word, questions)),
    ...(names ?? []).filter((name) => !known.has(name)).map((name) => complaint('backend', name, known)),
  ];
  const asked: readonly string[] = suite?.questions ?? (words.length > 0 ? words : usual(effort, questions));
  const chosen = [...questions].flatMap(([name, workload]) => (asked.includes(name) ? [workload] : []));
  const own = chosen.filter(({ ownImage }) => ownImage === true).map(({ question }) => question);
  if (image !== undefined && words.some((word) => own.some((question) => question === word)))
    problems.push(`--image: ${own.join(', ')} run programs that only our own image has`);
  if (problems.length === 1) throw new TareError(`weigh: ${problems.join('')}`);
  if (problems.length > 1)
    throw new TareError(`weigh: ${problems.length} problems${problems.map((line) => `\n  ${line}`).join('')}`);
  return {
    backends: names === undefined ? backends : named(names, known),
    workloads: image === undefined ? chosen : chosen.filter(({ ownImage }) => ownImage !== true),
    ...(suite === undefined ? {} : { suite }),
  };
}

const usual = (effort: WeighCommand['effort'], questions: ReadonlyMap<string, Workload>): readonly string[] =>
  effort === 'quick' ? quick : [...questions.keys()];

/** Who is named twice is measured twice; who belongs to two groups is not. */
function named(names: readonly string[], known: ReadonlyMap<string, readonly Backend[]>): readonly Backend[] {
  const chosen: Backend[] = [];
  for (const name of names) {
    const [first, ...more] = known.get(name) ?? [];
    if (first?.name === name) chosen.push(first);
    else chosen.push(...[first, ...more].flatMap((one) => (one === undefined || chosen.includes(one) ? [] : [one])));
  }
  return chosen;
}

/** By name; and by what several have in common: their family, their board, who executes them. A name goes before a group. */
function namedBackends(): ReadonlyMap<string, readonly Backend[]> {
  const known = new Map<string, Backend[]>(backends.map((backend) => [backend.name, [backend]]));
  for (const { family, groups = [] } of backends) {
    for (const group of [family, ...groups]) {
      if (known.has(group)) continue;
      known.set(
        group,
        backends.filter((one) => one.family === group || one.groups?.includes(group) === true),
      );
    }
  }
  return known;
}

function complaint(what: string, word: string, known: ReadonlyMap<string, unknown>): string {
  return `no such ${what}: ${word}${didYouMean(word, known.keys())}; there are ${[...known.keys()].join(', ')}`;
}
