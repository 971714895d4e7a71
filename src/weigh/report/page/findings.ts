/** What the numbers mean, for who reads nothing else. Every number is the result file's; where it has none, it says why. */
import type { Weighing } from '../../types/result.ts';
import { range } from '../figures.ts';
import { besideMachine, memoryWords, startWords } from './beside-machine.ts';
import { allOf, bestOf, contrast, type Field, fieldOf } from './contrast.ts';
import { deviceFindings } from './device-findings.ts';
import type { Finding } from './finding.ts';
import { readable, times } from './readable.ts';
import { areApart, enough, fewest, tooFew } from './standing.ts';

export function findingsOf(weighing: Weighing): Finding[] {
  const start = fieldOf(weighing, 'start');
  const memory = fieldOf(weighing, 'memory');
  return [
    ...(start === undefined ? [] : [besideMachine(weighing, start, startWords), startBesideProcess(weighing, start)]),
    ...(memory === undefined ? [] : [besideMachine(weighing, memory, memoryWords)]),
    rate(weighing),
    ...deviceFindings(weighing),
  ].filter((finding) => finding !== undefined);
}

function startBesideProcess(weighing: Weighing, field: Field): Finding | undefined {
  const title = 'Isolation adds to a start';
  const [bare, container] = [bestOf(field, 'process'), bestOf(field, 'container')];
  if (bare === undefined || container === undefined) return undefined;
  const { ratio, low, high, verdict } = contrast(container, bare, weighing);
  const few = fewest(container, bare);
  const hasty = few < enough && areApart(container, bare);
  if (verdict === 'same' && !hasty)
    return { title, figure: '=', claim: 'no difference to a bare process can be claimed.', because: [] };
  const more = container.summary.median - bare.summary.median;
  const { traits, title: name } = container.backend;
  const parts = [
    ...(traits.namespaces.length === 0
      ? []
      : [`${traits.namespaces.length} namespaces (${traits.namespaces.join(', ')})`]),
    `a root of its own (${traits.root})`,
    ...(traits.cgroup ? ['a cgroup'] : []),
    ...(traits.seccomp ? ['a seccomp filter'] : []),
  ];
  return {
    title,
    figure: `${more < 0 ? '−' : '+'}\u2009${readable(Math.abs(more), field.measure.unit)}`,
    claim: `where ${name} starts the program, and not the bare process that takes ${readable(bare.summary.median, field.measure.unit)}: ${times(ratio)} (${hasty ? tooFew(few) : `95 %: ${range(low, high)}×`}).`,
    because: [`It buys ${listed(parts)}.`],
  };
}

const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;

function rate(weighing: Weighing): Finding | undefined {
  const question = weighing.questions.find(({ name }) => name === 'rate');
  const most = question?.variants.toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0))[0];
  const field = fieldOf(weighing, 'rate', most?.name);
  const container = field === undefined ? undefined : bestOf(field, 'container');
  if (field === undefined || most === undefined || container === undefined) return undefined;
  const worst = allOf(field, 'container').at(-1);
  const bare = bestOf(field, 'process');
  const unit = field.measure.unit;
  const slowest =
    worst === undefined || worst === container
      ? ''
      : `; of the slowest measured (${worst.backend.title}), ${readable(worst.summary.median, unit)}`;
  return {
    title: `Asked for ${most.title}, this machine starts`,
    figure: readable(container.summary.median, unit),
    claim: `of containers (${container.backend.title})${slowest}.`,
    because: bare === undefined ? [] : [`Of bare processes, ${readable(bare.summary.median, unit)}.`],
  };
}
