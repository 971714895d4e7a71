/** What the terminal's table and Markdown's have in common: a row for each backend under each variant. */
import type { Measure, Variant } from '../types/question.ts';
import type { BackendEntry, QuestionEntry, Series, Weighing } from '../types/result.ts';
import { figure, range } from './figures.ts';

export interface Sheet {
  readonly question: QuestionEntry;
  readonly variant: Variant;
  /** What the first numbers are of; the columns after them are medians of the other measures. */
  readonly measure: Measure;
  /** Without the first cell: `backend`, `n` … */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Lines such as `podman: not measured: not installed (apt-get install podman)`. */
  readonly notes: readonly string[];
}

/** How many columns come before those of the measures that a narrow page leaves out. */
export const fixedColumns = 6;

export function sheetsOf({ questions, reference, backends }: Weighing): Sheet[] {
  const labels = new Map(backends.map((entry) => [entry.name, labelOf(entry)]));
  return questions.flatMap((question) =>
    question.variants.flatMap((variant) => {
      const series = question.series.filter((one) => one.variant === variant.name);
      const shown = question.measures.filter(({ name }) => series.some(({ values }) => values[name] !== undefined));
      const [measure, ...others] = shown;
      return measure === undefined ? [] : [sheetOf(question, variant, series, measure, others, { reference, labels })];
    }),
  );
}

/** No figure of a machine without who executes it, which most of their names say. */
function labelOf({ name, accelerator }: BackendEntry): string {
  const executes = accelerator?.replace('qemu-', '');
  return executes === undefined || name.includes(`-${executes}`) ? name : `${name} (${executes})`;
}

function sheetOf(
  question: QuestionEntry,
  variant: Variant,
  series: readonly Series[],
  measure: Measure,
  others: readonly Measure[],
  { reference, labels }: { readonly reference: string; readonly labels: ReadonlyMap<string, string> },
): Sheet {
  const rows = series.flatMap((one) => {
    const summary = one.summaries[measure.name];
    const comparison = one.comparisons[measure.name];
    if (summary === undefined) return [];
    const { count, median, low, high, p99 } = summary;
    const ratio = comparison === undefined ? '' : `× ${figure(comparison.ratio)}`;
    const bounds = comparison === undefined ? '' : range(comparison.low, comparison.high);
    const fixed = [labels.get(one.backend) ?? one.backend, `${count}`, figure(median), range(low, high), figure(p99)];
    const alike = comparison?.verdict === 'same' ? `${bounds} =` : bounds;
    return [[...fixed, `${ratio} ${alike}`.trim(), ...others.map(({ name }) => cell(one, name))]];
  });
  const failures = series.flatMap(({ backend, failure }) =>
    failure === undefined ? [] : [`${backend} ended early: ${failure}`],
  );
  const missing = question.missing
    .filter(({ variant: name }) => name === undefined || name === variant.name)
    .map(({ backend, reason }) => `${backend}: not measured: ${reason}`);
  const titles = others.map(({ title, unit }) => {
    const short = title.replace(/^request → /, '');
    return unit === measure.unit ? short : `${short}, ${unit}`;
  });
  return {
    question,
    variant,
    measure,
    head: ['', 'n', 'median', '95 %', 'p99', `to ${reference} (95 %)`, ...titles],
    rows,
    notes: [...waysOf(series), ...failures, ...missing],
  };
}

/** `through bind mount (tare, crun); virtio-blk (microvm-tcg)`, where that is told. */
export function waysOf(series: readonly Series[], nameOf = (backend: string): string => backend): string[] {
  const backends = new Map<string, string[]>();
  for (const { backend, through } of series)
    if (through !== undefined) backends.set(through, [...(backends.get(through) ?? []), nameOf(backend)]);
  const said = [...backends].map(([through, names]) => `${through} (${names.join(', ')})`);
  return said.length === 0 ? [] : [`through ${said.join('; ')}`];
}

const cell = ({ summaries }: Series, measure: string): string => {
  const summary = summaries[measure];
  return summary === undefined ? '' : figure(summary.median);
};

/** Questions that nobody could be asked, and why. */
export function missingQuestions({ questions }: Weighing): string[] {
  return questions
    .filter(({ series, missing }) => series.length === 0 && missing.length > 0)
    .map(
      ({ name, missing }) => `${name}: not measured: ${[...new Set(missing.map(({ reason }) => reason))].join('; ')}`,
    );
}

/** Backends of which nothing was measured at all. */
export function missingBackends({ backends }: Weighing): string[] {
  return backends.flatMap(({ name, missing }) => {
    if (missing === undefined) return [];
    return [`${name}: not measured: ${missing.reason}${missing.cure === undefined ? '' : ` (${missing.cure})`}`];
  });
}
