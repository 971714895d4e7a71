/** `tare explain --diff A B`: which system calls the one start makes and the other does not. */
import pc from 'picocolors';
import { Engine } from '../container/engine.ts';
import { madeUpId } from '../container/prepare.ts';
import { diffChapters, type Difference } from '../launch/diff.ts';
import { explainCommand } from './explain.ts';
import { type DiffCommand, parseExplain } from './parse-run.ts';
import { prepare } from './prepare.ts';
import type { Session } from './session.ts';

/** @returns 0 where both make the same calls, 1 where they do not: diff(1) */
export async function explainDiff({ names, sides, json }: DiffCommand, session: Session): Promise<number> {
  const one = await prepare('explain', parseExplain, sides[0], session);
  const other = await prepare('explain', parseExplain, sides[1], session);
  if (one === undefined || other === undefined) return 0;
  // Made-up names would differ wherever they stand.
  const name = one.request.name ?? other.request.name ?? madeUpId();
  for (const { request } of [one, other]) request.name ??= name;
  const engine = new Engine();
  const [first, second] = [await explainCommand(engine, one), await explainCommand(engine, other)];
  const difference = diffChapters(first.chapters, second.chapters, names);
  if (json) session.print(`${JSON.stringify(plain(difference), null, 2)}\n`);
  else session.print(`${summary(difference)}\n${paint(difference.patch, session.colours(1))}`);
  return difference.patch === '' ? 0 : 1;
}

const plain = ({ patch: _, ...rest }: Difference) => rest;

const summary = ({ same, one, other }: Difference): string =>
  `${same} calls are the same, ${one} only the first makes, ${other} only the second`;

function paint(patch: string, colours: boolean): string {
  const { bold, cyan, green, red } = pc.createColors(colours);
  const ways: readonly (readonly [start: string, paint: (line: string) => string])[] = [
    ['--- ', bold],
    ['+++ ', bold],
    ['@@', cyan],
    ['-', red],
    ['+', green],
  ];
  return patch.replace(/^.+$/gm, (line) => (ways.find(([start]) => line.startsWith(start))?.[1] ?? String)(line));
}
