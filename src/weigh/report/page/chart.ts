/** What a page needs to know of a chart, and what all charts have in common. */
import type { TopLevelSpec } from 'vega-lite';
import type { Family } from '../../types/result.ts';
import { type Axis, labelExpression, spaced } from './axis.ts';

export type Spec = TopLevelSpec;

/** A page is wide or narrow, and a drawing that is scaled down has letters that nobody can read: each is drawn for itself. */
export type Frame = 'wide' | 'narrow';

export const widths: Readonly<Record<Frame, number>> = { wide: 880, narrow: 340 };

export interface Chart {
  /** What is seen, for those who do not see it. */
  readonly description: string;
  spec(frame: Frame): Spec;
}

/** Colours are variables of the style sheet, so that the page may be dark or printed. */
export const familyColours: Readonly<Record<Family, string>> = {
  process: 'var(--process)',
  sandbox: 'var(--sandbox)',
  container: 'var(--container)',
  daemon: 'var(--daemon)',
  vm: 'var(--vm)',
};

export const familyScale: { readonly domain: Family[]; readonly range: string[] } = {
  domain: Object.keys(familyColours) as Family[],
  range: Object.values(familyColours),
};

export const ink = 'var(--ink)';
export const paleInk = 'var(--ink-2)';

export interface Frame2D {
  readonly width: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Fixed, for nobody can measure letters without a screen: labels have their room or are cut. */
export const fixed = ({
  left,
  right,
  top,
  bottom,
  width,
}: Frame2D): Pick<Spec, 'padding' | 'autosize'> & { width: number } => ({
  padding: { left, right, top, bottom },
  autosize: { type: 'none' },
  width: width - left - right,
});

export const config: NonNullable<Spec['config']> = {
  aria: false,
  background: 'transparent',
  font: 'system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif',
  view: { stroke: null },
  text: { fontSize: 13, color: ink },
  axis: {
    domain: false,
    ticks: false,
    gridColor: 'var(--line)',
    labelColor: paleInk,
    labelFontSize: 12,
    labelPadding: 8,
    labelOverlap: false,
    titleFontSize: 12,
    titleColor: paleInk,
  },
};

/** Of values from left to right, over so many pixels. */
export function horizontal(whole: Axis, width: number): Record<string, unknown> {
  const axis = spaced(whole, width);
  return {
    type: 'quantitative',
    scale: {
      type: axis.kind,
      domain: [axis.low, axis.high],
      nice: false,
      ...(axis.kind === 'linear' && { zero: false }),
    },
    axis: { values: axis.ticks, labelExpr: labelExpression(axis), title: null, grid: true },
  };
}

/** Of letters, so many fit beside a row, or above it. */
const room: Readonly<Record<Frame, number>> = { wide: 21, narrow: 26 };

/** The name of each row and what is said of it: beside it, or above where a page is narrow. Rows are found by their name. */
export function rowLabels(
  rows: readonly { readonly name: string; readonly said: string }[],
  frame: Frame,
  width: number,
  above: number,
  letters = room[frame],
): object[] {
  const wide = frame === 'wide';
  const values = rows.map(({ name, said }) => ({ name, said, short: cut(name, letters) }));
  return [
    {
      data: { values },
      mark: { type: 'text', align: wide ? 'right' : 'left', dy: above },
      encoding: { x: { value: wide ? -12 : 0 }, text: { field: 'short' } },
    },
    {
      data: { values },
      mark: { type: 'text', align: wide ? 'left' : 'right', dy: above, fontWeight: 600, color: paleInk },
      encoding: { x: { value: wide ? width + 10 : width }, text: { field: 'said' } },
    },
  ];
}

export const cut = (text: string, letters: number): string =>
  text.length <= letters ? text : `${text.slice(0, letters - 1).trimEnd()}…`;
