/** A weighing as Markdown, to be pasted into an issue or a README. Pure. */
import type { Weighing } from '../types/result.ts';
import { duration, figure } from './figures.ts';
import { missingBackends, missingQuestions, type Sheet, sheetsOf } from './rows.ts';
import { sentences } from './sentences.ts';

export function renderMarkdown(weighing: Weighing): string {
  const { machine, begun, seconds, tare, outcome, settings, harness, backends, questions } = weighing;
  const sheets = sheetsOf(weighing);
  const chapters = questions.flatMap((question) => {
    const own = sheets.filter((sheet) => sheet.question === question);
    return [
      `## ${question.name}`,
      question.asks,
      question.method,
      ...own.flatMap(renderSheet),
      ...definitions(question),
    ];
  });
  const { kernel, cpu, memory } = machine;
  const where = [
    `${machine.system}, Linux ${kernel.release} (${kernel.machine})`,
    `${cpu.count} × ${cpu.model}`,
    `${figure(memory.total / 1024)} GiB`,
    ...(machine.virtualised === undefined ? [] : [`in ${machine.virtualised}`]),
    `cgroups ${machine.cgroups}`,
    `Node ${machine.node}`,
    `load ${machine.load.map((load) => load.toFixed(2)).join(' ')}`,
  ];
  return [
    '# What isolation costs',
    ...sentences(weighing),
    `tare ${tare}, ${begun}, ${duration(seconds)}, ${outcome}, ${settings.effort}, seed ${settings.seed}. ${where.join('; ')}.`,
    ...chapters,
    '## Who was weighed',
    grid(
      ['backend', 'version', 'namespaces', 'root', 'cgroup', 'seccomp', 'notes'],
      backends.map(({ title, version = '', accelerator, traits, missing }) => [
        title,
        accelerator === undefined ? version : `${version}, ${accelerator}`,
        traits.namespaces.join(' '),
        traits.root,
        traits.cgroup ? 'yes' : 'no',
        traits.seccomp ? 'yes' : 'no',
        missing === undefined ? (traits.notes ?? '') : `not measured: ${missing.reason}`,
      ]),
    ),
    list([...missingQuestions(weighing), ...missingBackends(weighing)]),
    '## What the measuring costs',
    list(
      harness.map(
        ({ title, unit, summary, definition }) => `${title}: ${figure(summary.median)} ${unit}. ${definition}`,
      ),
    ),
  ]
    .filter((part) => part !== '')
    .map((part) => `${part}\n`)
    .join('\n');
}

function renderSheet({ variant, measure, head, rows, notes }: Sheet): string[] {
  return [
    `### ${variant.title}: ${measure.title}, ${measure.unit}`,
    grid(['backend', ...head.slice(1)], rows),
    list(notes),
  ];
}

function definitions({ measures }: Weighing['questions'][number]): string[] {
  return [list(measures.map(({ title, definition }) => `*${title}*: ${definition}`))];
}

function grid(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const list = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');
