import { expect, test } from 'vitest';
import { toSvg } from '../../../src/launch/svg.ts';
import { timeline } from '../../../src/launch/trace.ts';
import { bootstrap, marks, program, stamps, stampsOf } from './timelines.ts';

const start = timeline(program, stamps, { ...marks, bootstrap });
const svg = toSvg(start);

/** Tags that are opened and not closed in order. */
function unbalanced(text: string): string[] {
  const open: string[] = [];
  for (const [, close, name, own] of text.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (own === '/') continue;
    if (close === '') open.push(name!);
    else if (open.pop() !== name) return [`</${name}>`];
  }
  return open;
}

test('one file, with nothing outside of it, for light and for dark', () => {
  expect(unbalanced(svg)).toEqual([]);
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|href|url\(|<script/);
});

test('a row: its title says why and how long, its bar is drawn to scale', () => {
  expect(/<g><title>unshare make a network[^]*?<\/g>/.exec(svg)?.[0]).toMatchInlineSnapshot(
    `
    "<g><title>unshare make a network stack of its own
    at 0.450 ms for 0.600 ms, 0.560 on the CPU, 0.040 off it</title><text x="20" y="204" class="slow">▸</text><text x="36" y="204"><tspan class="call">unshare</tspan> <tspan>make a network stack of its own</tspan></text><text x="500" y="204" class="number slow">0.600</text><rect class="cpu" x="642.9" y="194" width="157.92" height="11"/><rect class="blocked" x="800.82" y="194" width="11.28" height="11"/></g>"
  `,
  );
});

test('a bar begins where the one before ends, and the last one at the right edge', () => {
  const bars = [...svg.matchAll(/<rect class="(?:cpu|blocked|unknown)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)];
  const edges = bars.slice(0, -3).map(([, x, width]) => [Number(x), Number(x) + Number(width)]);
  expect(Math.max(...edges.map(([, end]) => end!))).toBeCloseTo(1080, 1);
  edges.slice(1).forEach(([x], index) => expect(x).toBeGreaterThanOrEqual(edges[index]![0]!));
});

test('every call has a bar if all are asked for', () => {
  const rows = (text: string) => text.match(/<g>/g)?.length ?? 0;
  expect(rows(toSvg(start, { all: true }))).toBeGreaterThan(rows(svg));
});

test('whatever a path holds is text', () => {
  const evil = { ops: [{ ...program.ops[0]!, why: '</text><script>"&\u0007' }] };
  const text = toSvg(
    timeline(
      evil,
      stampsOf([
        [0, 0],
        [9, 9],
      ]),
    ),
    { all: true },
  );
  expect(text).toContain('&lt;/text&gt;&lt;script&gt;&quot;&amp;?');
  expect(unbalanced(text)).toEqual([]);
});
