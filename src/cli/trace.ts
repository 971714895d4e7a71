import { writeFileSync } from 'node:fs';
import { TareError } from '../errors.ts';
import { type Timeline, toJson } from '../launch/trace.ts';
import { columnsOf } from './columns.ts';
import { startIsolated } from './foreground.ts';
import { parseTrace } from './parse-run.ts';
import { prepare } from './prepare.ts';
import { reportOom } from './run.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('trace', parseTrace, argv, session);
  if (command === undefined) return 0;
  // The numbers have standard output to themselves.
  const { running, ended } = await startIsolated(command, session, {
    trace: true,
    ...(command.json ? { outputFd: 2 } : {}),
  });
  const exit = await ended;
  reportOom(exit, running.id, session);
  if (command.svg !== undefined) await writeSvg(command.svg, running.timeline);
  if (command.json) session.print(toJson(running.timeline));
  else if (command.svg === undefined) await draw(running.timeline, session);
  return exit.exitCode;
}

async function draw(timeline: Timeline, session: Session): Promise<void> {
  const [{ waterfall }, { default: colours }] = await Promise.all([
    import('../launch/waterfall.ts'),
    import('picocolors'),
  ]);
  const color = colours.createColors(session.colours(1));
  session.print(`\n${waterfall(timeline, { columns: columnsOf(process.stdout), color })}`);
}

async function writeSvg(path: string, timeline: Timeline): Promise<void> {
  const { toSvg } = await import('../launch/svg.ts');
  try {
    writeFileSync(path, toSvg(timeline));
  } catch (cause) {
    throw new TareError(`write ${path}`, { errno: (cause as NodeJS.ErrnoException).code, cause });
  }
}
