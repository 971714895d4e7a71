/** The command `tare weigh`: a bundle of its own, since it brings more along than all other verbs together. */
import { randomInt } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { TareError } from '../errors.ts';
import { choose, type Choice } from './choose.ts';
import { type Change, compareWeighings, differences } from './compare.ts';
import { readWeighing } from './read-weighing.ts';
import { renderChanges } from './report/changes.ts';
import { renderCsv } from './report/csv.ts';
import { renderMarkdown } from './report/markdown.ts';
import { suiteMarkdown, suiteTerminal } from './report/suite.ts';
import { renderTerminal } from './report/terminal.ts';
import type { Suite } from './suites.ts';
import type { Desk, WeighCommand } from './types/command.ts';
import type { Weighing } from './types/result.ts';
import { type Order, weigh, type Weighed } from './weigh.ts';

const renderJson = (weighing: Weighing): string => `${JSON.stringify(weighing)}\n`;

/** What draws is large, and a bundle of its own. */
async function renderHtml(weighing: Weighing): Promise<string> {
  const [{ renderPage }, { publications }, { draw }] = await Promise.all([
    import('./report/page.ts'),
    import('./anchors.ts'),
    import('./report/page/draw.ts'),
  ]);
  return renderPage(weighing, publications, draw);
}

/** By the flag that asks for them. */
const forms: Readonly<Record<string, (weighing: Weighing, suite?: Suite) => string | Promise<string>>> = {
  json: renderJson,
  csv: renderCsv,
  markdown: (weighing, suite) => renderMarkdown(weighing) + (suite === undefined ? '' : suiteMarkdown(weighing, suite)),
  html: renderHtml,
};

/** @returns 0; 1 where a backend died, a payload failed or something got worse; 130 after Ctrl-C */
export async function runWeigh(command: WeighCommand, desk: Desk): Promise<number> {
  const before = command.compare === undefined ? undefined : readWeighing(command.compare);
  const file = before === undefined ? undefined : command.words.find((word) => word.endsWith('.json'));
  if (before !== undefined && file !== undefined) return report(before, readWeighing(file), desk);
  checkFiles(command);

  const choice = choose(command);
  const weighing = await measure(command, choice, desk);
  desk.print(renderTerminal(weighing, desk));
  if (choice.suite !== undefined) desk.print(suiteTerminal(weighing, choice.suite, desk));
  for (const [form, path] of Object.entries(command.files)) {
    write(path, (await forms[form]?.(weighing, choice.suite)) ?? '');
    if (form === 'html') desk.complain(`page, with charts and all samples: ${resolve(path)}\n`);
  }
  const worse = before === undefined ? 0 : report(before, weighing, desk);
  if (weighing.outcome === 'interrupted') return 130;
  return weighing.outcome === 'incomplete' ? 1 : worse;
}

async function measure(command: WeighCommand, { backends, workloads }: Choice, desk: Desk): Promise<Weighing> {
  const { payload, image, suite, runs, effort, seed = randomInt(2 ** 31) } = command;
  const stem = join(desk.archive, new Date().toISOString().replaceAll(/[:.]/g, '-'));
  const order = {
    backends,
    workloads,
    settings: {
      effort,
      seed,
      ...(payload === undefined ? {} : { payload }),
      ...(image === undefined ? {} : { image }),
      ...(suite === undefined ? {} : { suite }),
      ...(runs === undefined ? {} : { runs }),
    },
    tare: desk.tare,
    journal: `${stem}.ndjson`,
    signal: desk.signal,
  };
  const { weighing, journalFailure } = await watched(order, desk);
  if (journalFailure === undefined) desk.complain(`raw samples: ${stem}.ndjson\n`);
  else desk.complain(`tare: raw samples are not kept: write ${stem}.ndjson: ${journalFailure}\n`);
  return weighing;
}

/** What draws is loaded where somebody sees it. */
async function watched(order: Omit<Order, 'onProgress'>, { watched: stream }: Desk): Promise<Weighed> {
  if (stream === undefined) return weigh({ ...order, onProgress: () => undefined });
  const { progressList } = await import('./progress-list.ts');
  const questions = order.workloads.map(({ question }) => question);
  await using list = progressList(['harness', 'probe', ...questions, 'follow'], stream);
  return await weigh({ ...order, onProgress: list.show });
}

function report(before: Weighing, after: Weighing, desk: Desk): number {
  const changes = compareWeighings(before, after);
  if (changes.length === 0)
    throw new TareError('compare two weighings', { hint: 'no backend was asked the same question in both' });
  for (const difference of differences(before, after)) desk.print(`other than before: ${difference}\n`);
  desk.print(renderChanges(changes, desk.color));
  return changes.some(isWorse) ? 1 : 0;
}

const isWorse = ({ judgement }: Change): boolean => judgement === 'worse';

/** Before an hour is spent on it. */
function checkFiles({ files }: WeighCommand): void {
  for (const path of Object.values(files)) {
    if (!existsSync(dirname(path)))
      throw new TareError(`write ${path}`, { errno: 'ENOENT', hint: 'make its directory' });
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    const hint = errno === 'ENOSPC' ? 'the disk is full' : undefined;
    throw new TareError(`write ${path}`, { errno, ...(hint === undefined ? {} : { hint }), cause });
  }
}
