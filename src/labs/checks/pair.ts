/** `processes`: are there two processes, and which of their namespaces are the same? */
import * as z from 'zod';
import type { Finding } from '../finding.ts';
import type { Process, World } from '../world.ts';
import { checkProcess, findProcesses, processShape } from './process.ts';
import { namespaceShape } from './shapes.ts';

export const pairShape = z.strictObject({
  one: processShape,
  other: processShape,
  /** Namespaces that both are in. */
  share: z.array(namespaceShape).default([]),
  /** Namespaces that are not the same. */
  apart: z.array(namespaceShape).default([]),
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
    tested: 'do the links in /proc/PID/ns of these two processes lead to the same namespaces?',
    expected: [
      ...expected.share.map((kind) => `the same ${kind} namespace`),
      ...expected.apart.map((kind) => `different ${kind} namespaces`),
    ].join(', '),
    saw: shown === undefined ? 'one process alone that is both' : describe(expected, ...shown),
  };
}

const fits = ({ share, apart }: PairExpected, one: Process, other: Process): boolean =>
  share.every((kind) => one.namespaces[kind] === other.namespaces[kind]) &&
  apart.every((kind) => one.namespaces[kind] !== other.namespaces[kind]);

function describe({ share, apart }: PairExpected, one: Process, other: Process): string {
  const links = [...share, ...apart].map((kind) => {
    const [here, there] = [one.namespaces[kind], other.namespaces[kind]];
    return here === there ? `both ${kind}:[${here}]` : `${kind}:[${here}] and ${kind}:[${there}]`;
  });
  return `${one.label} and ${other.label}: ${links.join(', ')}`;
}
