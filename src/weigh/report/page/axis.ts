/** Ticks that a person can read, for axes that vega draws. */
import type { Unit } from '../../types/question.ts';
import { readable } from './readable.ts';

export interface Axis {
  readonly kind: 'log' | 'linear';
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  readonly unit: Unit;
}

/** Pixels of a wide one at 12 pixels of height. */
const letter = 7.5;

/** Room for the outermost marks, as a share of what they are. */
const margin = 1.18;

/** Logarithmic where it can be: costs of isolation span decades. A value that is 0 or less has no logarithm. */
export function axisOver(values: readonly number[], unit: Unit): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (!(least > 0)) return linearAxis(most, unit, Math.min(0, least));
  const [low, high] = [least / margin, most * margin];
  return { kind: 'log', low, high, ticks: logTicks(low, high), unit };
}

/** From 0, for lengths that are compared. */
export function linearAxis(most: number, unit: Unit, low = 0): Axis {
  const high = most > 0 ? most * 1.02 : 1;
  const step = roundStep((high - low) / 5);
  const count = Math.floor((high - low) / step);
  const first = Math.ceil(low / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
  return { kind: 'linear', low, high, ticks: ticks.filter((tick) => tick <= high), unit };
}

/** Decades; of fewer than three also their halves and fifths; of less than one, round steps. */
function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearAxis(high, 'ms', low).ticks.filter((tick) => tick >= low);
  const parts = decades < 3 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const part of parts) ticks.push(Number((part * 10 ** power).toPrecision(12)));
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5, 10].find((part) => part * power >= step) ?? 10);
}

/** Of an axis so many pixels wide, ticks whose labels have room beside each other. */
export function spaced(axis: Axis, width: number): Axis {
  const { ticks, unit } = axis;
  const crowded = ticks.some((tick, index) => {
    const before = ticks[index - 1];
    if (before === undefined) return false;
    const needed = ((tickLabel(tick, unit).length + tickLabel(before, unit).length) / 2 + 1) * letter;
    return (placeOn(axis, tick) - placeOn(axis, before)) * width < needed;
  });
  if (!crowded) return axis;
  const decades = ticks.filter((tick) => Number.isInteger(Math.log10(tick)));
  const fewer = axis.kind === 'log' && decades.length > 1 && decades.length < ticks.length;
  return spaced({ ...axis, ticks: fewer ? decades : ticks.filter((_, index) => index % 2 === 0) }, width);
}

/** As an expression of vega, which knows no units: a table of labels. */
export function labelExpression({ ticks, unit }: Axis): string {
  const labels = ticks.map((tick) => [String(tick), tickLabel(tick, unit)] as const);
  return `${JSON.stringify(Object.fromEntries(labels))}[toString(datum.value)]`;
}

/** Where a value stands, from 0 to 1. */
export function placeOn({ kind, low, high }: Axis, value: number): number {
  return kind === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

export function valueAt({ kind, low, high }: Axis, place: number): number {
  return kind === 'log' ? low * (high / low) ** place : low + (high - low) * place;
}

/** Round as ticks are: `10 ms`, not `10.0 ms`. */
export const tickLabel = (tick: number, unit: Unit): string =>
  readable(tick, unit)
    .replace(/(\.\d*?)0+(?!\d)/, '$1')
    .replace(/\.(?!\d)/, '');
