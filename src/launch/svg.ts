/** A timeline as a drawing: one SVG without anything outside of it, readable on light and dark. Pure. */
import type { Timed, Timeline } from './trace.ts';
import { milliseconds, type Row, type RowOptions, rowsOf, summaryOf, ticks, wrap } from './waterfall-rows.ts';

const width = 1100;
const margin = 20;
const lineHeight = 19;
const barHeight = 11;
/** Where the numbers end, and where the axis begins. */
const numberAt = 500;
const axisAt = 516;
const axisWidth = width - margin - axisAt;
/** Of a fixed pitch at 13 pixels; a wider fallback font must not reach the numbers. */
const labelLength = 52;
const lineLength = 130;

/** Colours that keep their contrast: first on white, then on black. */
const style = `
  text { font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #1f2328; white-space: pre }
  .page { fill: #ffffff } .stage { font-weight: 600 } .call { fill: #0550ae } .quiet { fill: #6e7781 } .slow { fill: #cf222e; font-weight: 600 }
  .number { text-anchor: end } .tick { text-anchor: middle } .grid { stroke: #d0d7de } .extent { fill: #afb8c1 }
  .cpu { fill: #1a7f37 } .blocked { fill: #d4a72c } .unknown { fill: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .page { fill: #0d1117 } .call { fill: #79c0ff } .quiet { fill: #8b949e } .slow { fill: #ff7b72 }
    .grid { stroke: #30363d } .extent { fill: #484f58 } .cpu { fill: #3fb950 } .blocked { fill: #d29922 } .unknown { fill: #6e7681 }
  }`;

export function toSvg(timeline: Timeline, options: RowOptions = {}): string {
  const rows = rowsOf(timeline, options);
  const top = margin + lineHeight;
  const bottom = top + rows.length * lineHeight;
  const summary = summaryOf(timeline).flatMap((line) => wrap(line, lineLength));
  const legendAt = bottom + lineHeight;
  const height = legendAt + (summary.length + 1) * lineHeight + margin;
  const scale = axisWidth / Math.max(1, timeline.totalNs);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    '<title>Where the time of this start went</title>',
    `<style>${style}\n</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    ...axis(timeline, scale, top, bottom),
    ...rows.map((row, index) => drawRow(row, top + index * lineHeight, scale)),
    ...legend(legendAt),
    ...summary.map((line, index) =>
      text(margin, legendAt + (index + 1) * lineHeight + barHeight, line, index === 0 ? 'stage' : ''),
    ),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function axis({ totalNs }: Timeline, scale: number, top: number, bottom: number): string[] {
  return ticks(totalNs, 8).flatMap(({ atNs, label }) => {
    const x = round(axisAt + atNs * scale);
    return [
      `<path class="grid" d="M${x} ${top} V${bottom}"/>`,
      text(x, top - 6, label === '0' ? '0 ms' : label, 'tick quiet'),
    ];
  });
}

function drawRow(row: Row, y: number, scale: number): string {
  const base = y + barHeight + 2;
  const label = [...row.text].slice(0, Math.max(0, labelLength - row.name.length - 1));
  const shown = label.join('') + (label.length < [...row.text].length ? '…' : '');
  const nameClass = row.kind === 'stage' ? 'stage' : 'call';
  const textClass = row.kind === 'call' ? '' : 'quiet';
  const numberClass = row.slow ? 'slow' : { stage: 'stage', call: '', rest: 'quiet' }[row.kind];
  const marker = row.slow ? text(margin, base, '▸', 'slow') : '';
  const at = row.kind === 'stage' ? margin : margin + 16;
  const name = row.name === '' ? '' : `<tspan class="${nameClass}">${escape(row.name)}</tspan> `;
  const title = escape(describe(row));
  return [
    `<g><title>${title}</title>`,
    marker,
    `<text x="${at}" y="${base}">${name}<tspan${classOf(textClass)}>${escape(shown)}</tspan></text>`,
    text(numberAt, base, milliseconds(row.wallNs), `number ${numberClass}`),
    ...drawBar(row, y + 3, scale),
    '</g>',
  ].join('');
}

function drawBar(row: Row, y: number, scale: number): string[] {
  if (row.kind === 'rest') return [];
  const x = axisAt + row.startNs * scale;
  // What takes next to nothing is seen all the same.
  const least = 1;
  if (row.kind === 'stage' && row.open)
    return [rect('extent', x, y + barHeight / 2 - 1, Math.max(least, row.wallNs * scale), 2)];
  const { cpuNs = 0, blockedNs = 0 } = row;
  const unknownNs = Math.max(0, row.wallNs - cpuNs - blockedNs);
  if (row.wallNs * scale < least) {
    const kind = unknownNs * 2 > row.wallNs ? 'unknown' : cpuNs >= blockedNs ? 'cpu' : 'blocked';
    return [rect(kind, x, y, least, barHeight)];
  }
  const parts: [string, number][] = [
    ['cpu', cpuNs],
    ['blocked', blockedNs],
    ['unknown', unknownNs],
  ];
  let from = x;
  return parts.flatMap(([kind, ns]) => {
    const [at, wide] = [from, ns * scale];
    from += wide;
    return wide > 0 ? [rect(kind, at, y, wide, barHeight)] : [];
  });
}

function legend(y: number): string[] {
  const entries = [
    ['cpu', 'on the CPU'],
    ['blocked', 'off it: waiting, or the turn of others'],
    ['unknown', 'not known which'],
  ] as const;
  let x = margin;
  return entries.flatMap(([kind, meaning]) => {
    const at = x;
    x += 40 + meaning.length * 8;
    return [rect(kind, at, y, 12, barHeight), text(at + 18, y + barHeight - 1, meaning, '')];
  });
}

/** For whoever points at a row: the reason, and the numbers. */
function describe(row: Row): string {
  const { cpuNs, blockedNs, wallNs, startNs } = row as Timed;
  const parts =
    cpuNs === undefined || blockedNs === undefined
      ? ''
      : `, ${milliseconds(cpuNs)} on the CPU, ${milliseconds(blockedNs)} off it`;
  return `${`${row.name} ${row.text}`.trim()}\nat ${milliseconds(startNs)} ms for ${milliseconds(wallNs)} ms${parts}`;
}

const text = (x: number, y: number, content: string, kind: string): string =>
  `<text x="${round(x)}" y="${round(y)}"${classOf(kind.trim())}>${escape(content)}</text>`;

const rect = (kind: string, x: number, y: number, w: number, h: number): string =>
  `<rect class="${kind}" x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${h}"/>`;

const classOf = (kind: string): string => (kind === '' ? '' : ` class="${kind}"`);

const round = (value: number): number => Math.round(value * 100) / 100;

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** XML has no place for control characters, not even escaped. */
const escape = (content: string): string =>
  content.replace(/[^\P{Cc}\n]/gu, '?').replace(/[&<>"]/g, (character) => entities[character] ?? character);
