/**
 * Specifications → drawings, by vega-lite and vega without a screen. Both are large, so this file is loaded when a page is
 * made, and is a bundle of its own: see scripts/build/bundle.mjs.
 */
import { type LoggerInterface, parse, View } from 'vega';
import { compile } from 'vega-lite';
import type { Spec } from './chart.ts';

/** An `svg` element, whose colours are the page's. */
export async function draw(spec: Spec): Promise<string> {
  const view = new View(parse(compile(spec, { logger: strict }).spec), { renderer: 'none' });
  try {
    return rounded(await view.toSVG());
  } finally {
    view.finalize();
  }
}

/** To hundredths of a pixel: a third of a drawing is digits that nobody can see. Its texts have no number so long. */
const rounded = (svg: string): string =>
  svg.replaceAll(/-?\d+\.\d{4,}(?:e-\d+)?/g, (digits) => `${Math.round(100 * Number(digits)) / 100}`);

/** What vega-lite warns of is a chart that was drawn otherwise than it was asked for. */
const strict: LoggerInterface = {
  level: () => strict,
  error: (...words) => refuse(words),
  warn: (...words) => refuse(words),
  info: () => strict,
  debug: () => strict,
};

function refuse(words: readonly unknown[]): never {
  throw new Error(`draw a chart: ${words.join(' ')}`);
}
