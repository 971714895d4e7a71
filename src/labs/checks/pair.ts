/** `processes`: are there two processes, and which of their namespaces are the same? */
import * as z from 'zod';
import type { Finding } from '../finding.ts';
import { Process, type World } from '../world.ts';
import { checkProcess, describeProcess, findProcesses } from './process.ts';
import { processShape } from './process-shape.ts';
import { namespaceShape } from './shapes.ts';

export const pairShape = z.strictObject({
  one: processShape,
  other: processShape,
  /** Namespaces that both are in. */
  share: z.array(namespaceShape).default([]),
  /** Namespaces that are not the same. */
  apart: z.array(namespaceShape).default([]),
  /** The other was started by the one, or by whom that has started. */
  descends: z.literal(true).optional(),
});
export type PairExpected = z.output<typeof pairShape>;

export async function checkPair(expected: PairExpected, world: World): Promise<Finding> {
  for (const shape of [expected.one, expected.other]) {
    const finding = await checkProcess(shape, world);
    if (!finding.passed) return finding;
  }
  const ones = await findProcesses(expected.one, world);
  const others = await findProcesses(expected.other, world);
  const pairs = ones.flatMap((one) =>
    others.filter(({ pid }) => pid !== one.pid).map((other): [Process, Process] => [one, other]),
  );
  const fitting = pairs.find(([one, other]) => fits(expected, one, other));
  const shown = fitting ?? pairs[0];
  return {
    passed: fitting !== undefined,
    tested: 'how do these two processes stand to each other? (/proc/PID/ns, /proc/PID/status)',
    expected: [
      ...expected.share.map((kind) => `the same ${kind} namespace`),
      ...expected.apart.map((kind) => `different ${kind} namespaces`),
      ...(expected.descends ? [`the second a child of the first (${describeProcess(expected.other, world)})`] : []),
    ].join(', '),
    saw: shown === undefined ? 'one process alone that is both' : describe(expected, ...shown),
  };
}

const fits = ({ share, apart, descends }: PairExpected, one: Process, other: Process): boolean =>
  (descends !== true || isAncestor(one, other)) &&
  share.every((kind) => one.namespaces[kind] === other.namespaces[kind]) &&
  apart.every((kind) => one.namespaces[kind] !== other.namespaces[kind]);

function isAncestor({ pid }: Process, other: Process): boolean {
  for (let at = other.status.parentPid; at > 0; at = new Process(at).status.parentPid) if (at === pid) return true;
  return false;
}

function describe({ share, apart, descends }: PairExpected, one: Process, other: Process): string {
  const links = [...share, ...apart].map((kind) => {
    const [here, there] = [one.namespaces[kind], other.namespaces[kind]];
    return here === there ? `both ${kind}:[${here}]` : `${kind}:[${here}] and ${kind}:[${there}]`;
  });
  const family = descends !== true || isAncestor(one, other) ? [] : ['the second is no child of the first'];
  return `${one.label} and ${other.label}: ${[...links, ...family].join(', ')}`;
}
