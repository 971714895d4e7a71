/** Who was weighed, by what and where: without it a number means nothing. */
import type { BackendEntry, Weighing } from '../../../types/result.ts';
import { duration, figure, range } from '../../figures.ts';
import { resultLink } from '../downloads.ts';
import { html, type Markup, type Part } from '../markup.ts';
import { table } from '../tables.ts';

export function backendSection({ backends }: Weighing): Markup {
  const measured = backends.filter(({ missing }) => missing === undefined);
  const columns = [
    { title: 'backend' },
    { title: 'version', kind: 'short' },
    { title: 'kernel', kind: 'short' },
    { title: 'namespaces', kind: 'text' },
    { title: 'root', kind: 'short' },
    { title: 'cgroup', kind: 'short' },
    { title: 'seccomp', kind: 'short' },
    { title: 'notes', kind: 'text' },
  ] as const;
  return html`<section id="backends" aria-labelledby="backends-title">
    <h2 id="backends-title">Who was weighed?</h2>
    <p>What an instance gets differs, and so does its price: times are comparable where these columns agree.</p>
    ${table('Backends that were measured, and what an instance gets', columns, measured.map(backendRow))}
    ${missingPart(backends)}
  </section> `;
}

const backendRow = ({ title, version, accelerator, traits }: BackendEntry): Part[] => [
  title,
  [version ?? '–', ...(accelerator === undefined ? [] : [accelerator])].join(', '),
  traits.kernel,
  traits.namespaces.length === 0 ? 'none' : traits.namespaces.join(', '),
  traits.root,
  traits.cgroup ? 'yes' : 'no',
  traits.seccomp ? 'yes' : 'no',
  traits.notes ?? '',
];

function missingPart(backends: readonly BackendEntry[]): Part {
  const items = backends.flatMap(({ title, missing }) =>
    missing === undefined
      ? []
      : [
          html`<li>
            <strong>${title}</strong>: not measured:
            ${missing.reason}${missing.cure === undefined ? '' : html` (<code>${missing.cure}</code>)`}
          </li>`,
        ],
  );
  return items.length === 0
    ? html`<p>None that was asked for is missing.</p>`
    : html`<h3>Not measured</h3>
        <ul>
          ${items}
        </ul>`;
}

export function machineSection(weighing: Weighing): Markup {
  const { machine, harness, settings, tare, begun, seconds } = weighing;
  const { kernel, cpu, memory } = machine;
  const facts: readonly (readonly [string, Part])[] = [
    ['system', machine.system],
    ['kernel', `${kernel.release} (${kernel.machine}), ${kernel.version}`],
    ['processor', `${cpu.count} × ${cpu.model}${cpu.governor === undefined ? '' : `, governor ${cpu.governor}`}`],
    [
      'memory',
      `${figure(memory.total / 1024)} GiB, ${figure(memory.available / 1024)} GiB of it free; swap ${figure(memory.swap / 1024)} GiB`,
    ],
    ['virtualised', machine.virtualised ?? 'no, as far as it can be told'],
    ['cgroups', machine.cgroups],
    ['load before', machine.load.map((load) => load.toFixed(2)).join(', ')],
    ...Object.entries(machine.switches).map(([name, value]) => [name, value] as const),
    ...Object.entries(machine.environment ?? {}).map(([name, value]) => [`${name} was set`, value] as const),
    ['mitigations', mitigations(kernel.mitigations)],
    ['measured by', `tare ${tare} on Node ${machine.node}`],
    ['begun', `${begun}, for ${duration(seconds)}`],
    [
      'effort',
      `${settings.effort}${settings.runs === undefined ? '' : `, ${settings.runs} rounds`}; seed ${settings.seed}`,
    ],
    ...(settings.suite === undefined ? [] : [['suite', `the workloads of ${settings.suite}`] as const]),
    ...(settings.payload === undefined ? [] : [['payload', html`<code>${settings.payload.join(' ')}</code>`] as const]),
    ...(settings.image === undefined ? [] : [['image', html`<code>${settings.image}</code>`] as const]),
  ];
  return html`<section id="machine" aria-labelledby="machine-title">
    <h2 id="machine-title">Where, and by what means?</h2>
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
    <h3>What the measuring itself costs</h3>
    <p>Reported, and never subtracted from a number.</p>
    ${harnessTable(harness)}
    <h3>Statistics</h3>
    <p>
      Backends are asked in rounds, in a new random order each, so that drift hits all alike. Intervals are
      bootstrapped: samples are drawn anew 1000 times, for ratios by whole rounds. A difference is claimed where a
      rank-sum test finds samples so far apart in less than 1 of 100 cases <em>and</em> the ratio’s interval does not
      hold 1. Outliers have a modified z-score above 3.5 (Iglewicz and Hoaglin 1993): flagged, never dropped.
    </p>
    <p class="screen">Raw data: ${resultLink(weighing)}.</p>
  </section> `;
}

const mitigations = (all: Readonly<Record<string, string>>): Part => {
  const needed = Object.entries(all).filter(([, state]) => state !== 'Not affected');
  if (needed.length === 0) return Object.keys(all).length === 0 ? 'not told' : 'none needed';
  return needed.map(([flaw, state]) => `${flaw}: ${state}`).join('; ');
};

function harnessTable(harness: Weighing['harness']): Part {
  if (harness.length === 0) return html`<p>Not measured: interrupted before.</p>`;
  const rows = harness.map(({ title, unit, summary, definition }) => [
    title,
    `${figure(summary.median)} ${unit}`,
    range(summary.low, summary.high),
    summary.count,
    definition,
  ]);
  const titles = ['median', '95 %', 'n'].map((title) => ({ title }));
  return table('The harness', [{ title: 'what' }, ...titles, { title: 'of what', kind: 'long' }], rows);
}
