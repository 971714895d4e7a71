/** A line for each summary, as spreadsheets read it: RFC 4180. Pure. */
import type { Weighing } from '../types/result.ts';

const head = [
  ...['question', 'variant', 'backend', 'measure', 'unit', 'better', 'count', 'min', 'p5', 'median', 'low', 'high'],
  ...['p95', 'p99', 'max', 'outliers', 'ratio', 'ratio_low', 'ratio_high', 'p', 'verdict'],
];

export function renderCsv({ questions }: Weighing): string {
  const rows = questions.flatMap(({ name, measures, series }) =>
    series.flatMap(({ backend, variant, summaries, comparisons }) =>
      measures.flatMap((measure) => {
        const summary = summaries[measure.name];
        if (summary === undefined) return [];
        const { count, min, p5, median, low, high, p95, p99, max, outliers } = summary;
        const comparison = comparisons[measure.name];
        const { ratio, low: ratioLow, high: ratioHigh, p, verdict } = comparison ?? {};
        return [
          [
            ...[name, variant, backend, measure.name, measure.unit, measure.better],
            ...[count, min, p5, median, low, high, p95, p99, max, outliers.length],
            ...[ratio, ratioLow, ratioHigh, p, verdict],
          ],
        ];
      }),
    ),
  );
  return [head, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

function field(value: string | number | undefined): string {
  const text = value === undefined ? '' : `${value}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
