/** A container beside a virtual machine, in words: how many times as much, and why. */
import type { Weighing } from '../../types/result.ts';
import { figure, range } from '../figures.ts';
import { absence, allOf, bestOf, contrast, type Field, type Standing } from './contrast.ts';
import type { Finding } from './finding.ts';
import { areApart, enough, fewest, said, tooFew } from './standing.ts';
import { readable, times } from './readable.ts';

interface Words {
  readonly title: string;
  /** The title where one of both was not measured. */
  readonly subject: string;
  /** The machine's number is the larger one, or the smaller. */
  readonly larger: string;
  readonly smaller: string;
  readonly claim: (container: string, machine: string) => string;
  readonly because: (weighing: Weighing, field: Field, container: Standing, machine: Standing) => string[];
}

export const startWords: Words = {
  title: 'A container starts',
  subject: 'A container beside a virtual machine',
  larger: 'faster',
  smaller: 'slower',
  claim: (container, machine) =>
    `than a virtual machine: ${container} against ${machine}, from the request until nothing is left`,
  because: (weighing, field, container, machine) => [
    ...whyMachine(weighing, machine),
    ...withoutBoot(field),
    ...whyContainer(weighing, container),
    ...others(field, container),
  ],
};

export const memoryWords: Words = {
  title: 'An idle virtual machine takes',
  subject: 'Memory of a virtual machine',
  larger: 'more',
  smaller: 'less',
  claim: (container, machine) => `of the host’s memory than a container: ${machine} against ${container}`,
  because: (_, field, __, machine) => largestPart(field, machine),
};

/** The best container beside the best machine. */
export function besideMachine(
  weighing: Weighing,
  field: Field,
  { title, subject, larger, smaller, claim, because }: Words,
): Finding {
  const [container, machine] = [bestOf(field, 'container'), bestBooted(field) ?? bestOf(field, 'vm')];
  if (container === undefined || machine === undefined) {
    const [what, family] =
      container === undefined ? (['a container', 'container'] as const) : (['a virtual machine', 'vm'] as const);
    return {
      title: subject,
      figure: '–',
      claim: `${what}: not measured: ${absence(weighing, family, field.question)}.`,
      because: [],
    };
  }
  const [ours, theirs] = [said(field, container), said(field, machine)];
  const few = fewest(container, machine);
  if (!isAboveNothing(container) && areApart(container, machine)) {
    const apart = machine.summary.median - container.summary.median;
    return {
      title,
      figure: `${readable(Math.abs(apart), field.measure.unit)} ${apart > 0 ? larger : smaller}`,
      claim: `${claim(ours, theirs)}, which is nothing as far as can be told: so there is no ratio.`,
      because: because(weighing, field, container, machine),
    };
  }
  const { ratio, low, high, verdict } = contrast(machine, container, weighing);
  if (few < enough && areApart(container, machine)) {
    const [factor, word] = ratio > 1 ? [ratio, larger] : [1 / ratio, smaller];
    const why = because(weighing, field, container, machine);
    return {
      title,
      figure: `about ${times(factor)} ${word}`,
      claim: `${claim(ours, theirs)} (${tooFew(few)}).`,
      because: why,
    };
  }
  if (verdict === 'same')
    return {
      title: subject,
      figure: '=',
      claim: `${few < enough ? 'of too few samples, ' : ''}no difference can be claimed between ${ours} and ${theirs}.`,
      because: [],
    };
  const [factor, least, most, word] =
    verdict === 'higher' ? [ratio, low, high, larger] : [1 / ratio, 1 / high, 1 / low, smaller];
  return {
    title,
    figure: `${times(factor)} ${word}`,
    claim: `${claim(ours, theirs)} (95 %: ${range(least, most)}×).`,
    because: because(weighing, field, container, machine),
  };
}

/** What is added to a host may be less than what comes and goes there anyway. */
const isAboveNothing = ({ summary }: Standing): boolean => summary.min > 0;

/** A machine that was taken up from a snapshot is another story. */
const bestBooted = (field: Field): Standing | undefined =>
  allOf(field, 'vm').find(({ backend }) => backend.traits.resumed !== true);

function withoutBoot(field: Field): string[] {
  if (bestBooted(field) === undefined) return [];
  const resumed = allOf(field, 'vm').find(({ backend }) => backend.traits.resumed === true);
  return resumed === undefined
    ? []
    : [`Where that has happened before, and is only taken up: ${said(field, resumed)}.`];
}

/** The longest of its phases, where its start was followed. */
function whyMachine(weighing: Weighing, { backend }: Standing): string[] {
  const phases = weighing.timelines
    .find((one) => one.backend === backend.name)
    ?.spans.filter(({ depth }) => depth === 0);
  const own = 'The machine brings its own kernel, which has to start first';
  const longest = phases?.toSorted((a, b) => b.end - b.begin - (a.end - a.begin))[0];
  if (phases === undefined || longest === undefined)
    return [`${own}; how long each phase takes: not measured: no timeline of ${backend.title} in this weighing.`];
  const lasts = longest.end - longest.begin;
  const share = (100 * lasts) / Math.max(...phases.map(({ end }) => end));
  return [
    `${own}: “${longest.name}” alone takes ${readable(lasts, 'ms')}, ${figure(share)} % of the start that was followed.`,
    ...(backend.accelerator === 'qemu-tcg' ? [translated(weighing)] : []),
  ];
}

/** Nobody should take the one for the other. */
function translated({ backends }: Weighing): string {
  const why = backends.find(({ name, missing }) => name.endsWith('-kvm') && missing !== undefined)?.missing?.reason;
  const all =
    'Its accelerator is TCG, which translates every instruction: under KVM the processor executes most of them itself';
  return why === undefined ? `${all}.` : `${all}. Here there is ${why}.`;
}

function whyContainer(weighing: Weighing, { backend }: Standing): string[] {
  const spans = weighing.timelines.find((one) => one.backend === backend.name)?.spans;
  const shares = 'The container borrows the kernel that already runs';
  if (spans === undefined || spans.length === 0) return [`${shares}.`];
  const depth = Math.max(...spans.map((span) => span.depth));
  const steps = spans.filter((span) => span.depth === depth);
  const longest = steps.toSorted((a, b) => b.end - b.begin - (a.end - a.begin))[0];
  if (longest === undefined) return [`${shares}.`];
  const lasts = readable(longest.end - longest.begin, 'ms');
  return [`${shares}, and asks it for ${steps.length} things: the longest, “${longest.name}”, takes ${lasts}.`];
}

function others(field: Field, best: Standing): string[] {
  const worst = allOf(field, 'container').at(-1);
  if (worst === undefined || worst === best) return [];
  return [`Containers differ among themselves: ${said(field, worst)} is the slowest measured.`];
}

function largestPart({ question, measure }: Field, { series, summary, backend }: Standing): string[] {
  const parts = question.measures
    .filter(({ partOf }) => partOf === measure.name)
    .map(({ name, title }) => ({ title, value: series.summaries[name]?.median ?? 0 }))
    .toSorted((a, b) => b.value - a.value);
  const [largest] = parts;
  if (largest === undefined || !(largest.value > 0) || !(summary.median > 0)) return [];
  const share = Math.min(100, (100 * largest.value) / summary.median);
  return [
    `Of what ${backend.title} adds, ${figure(share)} % (${readable(largest.value, measure.unit)}) is ${largest.title}.`,
  ];
}
