/**
 * A weighing as one page of HTML that needs nothing else: no network, no script. Whoever makes it says what draws, since
 * that is large and is loaded late.
 */
import type { Publication } from '../types/publication.ts';
import type { Weighing } from '../types/result.ts';
import { duration } from './figures.ts';
import type { Draw } from './page/figures.ts';
import type { Finding } from './page/finding.ts';
import { findingsOf } from './page/findings.ts';
import { html, type Markup, type Part, trusted } from './page/markup.ts';
import { backendSection, machineSection } from './page/sections/circumstances.ts';
import { publishedSection } from './page/sections/published.ts';
import { questionSection } from './page/sections/question.ts';
import { startupSection } from './page/sections/startups.ts';
import { style } from './page/style.ts';

export async function renderPage(
  weighing: Weighing,
  publications: readonly Publication[],
  draw: Draw,
): Promise<string> {
  const asked = weighing.questions.filter(({ series, missing }) => series.length + missing.length > 0);
  const sections = [
    await startupSection(weighing, draw),
    ...(await Promise.all(asked.map((question) => questionSection(weighing, question, draw)))),
    await publishedSection(weighing, publications, draw),
    backendSection(weighing),
    machineSection(weighing),
  ];
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="generator" content="tare ${weighing.tare}" />
        <title>What isolation costs: ${weighing.backends.length} backends, ${weighing.begun.slice(0, 10)}</title>
        <style>
          ${trusted(style)}
        </style>
      </head>
      <body>
        <a class="skip" href="#main">To the contents</a>
        ${header(weighing, asked)}
        <main id="main">${sections}</main>
        <footer class="small">
          <p>
            Made by tare ${weighing.tare}. All that is on this page is in it: it asks no network for anything, and runs
            no script.
          </p>
        </footer>
      </body>
    </html> `;
  return page.text;
}

function header(weighing: Weighing, asked: Weighing['questions']): Markup {
  const { machine, begun, seconds, outcome } = weighing;
  const contents = [
    ['startups', 'start-up, step by step'],
    ...asked.map(({ name }) => [name, name]),
    ['published', 'published figures'],
    ['backends', 'backends'],
    ['machine', 'machine and method'],
  ];
  return html`<header>
    <h1>What isolation costs</h1>
    <p class="lead">
      The same program as a process, in containers and in virtual machines, weighed side by side in one run: on
      ${machine.system}, ${machine.cpu.count} × ${machine.cpu.model}, on <time>${begun.slice(0, 10)}</time>, within
      ${duration(seconds)}.
    </p>
    ${outcome === 'complete' ? '' : html`<p class="warn"><strong>This weighing is ${outcome}.</strong> ${outcomes[outcome]}</p>`}
    ${busy(weighing)}
    <ul class="findings">
      ${findingsOf(weighing).map(findingPart)}
    </ul>
    <nav aria-label="Contents">
      <ul>
        ${contents.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}
      </ul>
    </nav>
  </header>`;
}

const outcomes = {
  interrupted: 'What had been measured until then is below.',
  incomplete: 'A backend died, or its payload failed: the others went on, and each place says what is missing.',
} as const;

const busy = ({ machine: { load, cpu } }: Weighing): Part =>
  load[0] > cpu.count / 2
    ? html`<p class="warn">
        <strong>The machine was busy</strong> as it began (load ${load[0].toFixed(2)} on ${cpu.count} processors):
        compare ratios and minimums, and no times.
      </p>`
    : '';

const findingPart = ({ title, figure, claim, because }: Finding): Markup =>
  html`<li>
    <h3>${title}</h3>
    <p class="figure">${figure}</p>
    <p>${claim}</p>
    ${because.map((sentence) => html`<p class="small">${sentence}</p>`)}
  </li> `;
