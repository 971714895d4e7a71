/** What is asked, and in which units it is answered. */

/** Every question that `tare weigh` knows, in the order in which a report shows them. */
export const questionNames = [
  'start',
  'rate',
  'memory',
  'density',
  'cpu',
  'syscalls',
  'bandwidth',
  'disk',
  'network',
  'app',
] as const;

export type QuestionName = (typeof questionNames)[number];

/** Of a number as it is stored; a report may scale it for its readers (0.0021 ms → 2.1 µs). */
export type Unit = 'ms' | 'ns' | 'MiB' | '1/s' | 'MB/s' | 'instances';

/** One kind of number that a sample holds. */
export interface Measure {
  /** The key of its values: `gone`. */
  readonly name: string;
  /** As the head of a column: `request → all gone`. */
  readonly title: string;
  readonly unit: Unit;
  readonly better: 'lower' | 'higher';
  /** What is counted and what is not, in a sentence. */
  readonly definition: string;
  /** The measure of the same sample that this one is a part of: parts may be drawn stacked. */
  readonly partOf?: string;
}

/** The same question under another condition: `warm`, `cold`, `100 at once`. */
export interface Variant {
  /** `warm` */
  readonly name: string;
  /** `page cache warm` */
  readonly title: string;
  /** Where variants are points on a scale, such as how many are started at once: where this one is. */
  readonly at?: number;
}
