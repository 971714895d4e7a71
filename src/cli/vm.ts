/** `tare vm`: machines that are kept. */
import { Engine } from '../container/engine.ts';
import { TareError } from '../errors.ts';
import { takeSnapshot } from '../isolation/vm-snapshot.ts';
import { didYouMean } from '../spec/nearest.ts';
import { listSnapshots, removeSnapshot, sizeOf, type Snapshot } from '../vm/snapshot.ts';
import { listFlags, sweepFlags } from './flags.ts';
import { parsePlain } from './parse-plain.ts';
import { parseSnapshot } from './parse-run.ts';
import { throwProblems } from './problems.ts';
import { prepare } from './prepare.ts';
import { quote } from './quote.ts';
import { readFlags } from './read-flags.ts';
import type { Session } from './session.ts';

type Action = (argv: readonly string[], session: Session) => Promise<number>;

export async function main([word = '--help', ...argv]: readonly string[], session: Session): Promise<number> {
  if (word === '--help' || word === '-h') return help(session);
  const action = actions[word];
  if (action !== undefined) return action(argv, session);
  throw new TareError(`vm ${quote(word)}: no such action${didYouMean(word, Object.keys(actions))}`, {
    hint: 'see tare vm --help',
  });
}

const actions: Readonly<Record<string, Action>> = { snapshot, list, rm };

async function snapshot(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('vm', parseSnapshot, argv, session);
  if (command === undefined) return 0;
  const { name, ...request } = command.request;
  const say = (line: string) => session.complain(`tare: ${line}\n`);
  const taken = await takeSnapshot(new Engine(), name ?? nameOf(request.image), {
    ...request,
    vm: command.machine,
    say,
  });
  session.print(`${taken.name}\n`);
  return 0;
}

/** `dir:/srv/web` → `web`. */
const nameOf = (image: string): string => image.replace(/^.*[/:]/, '').replace(/[^a-zA-Z0-9_.-]/g, '-') || 'snapshot';

async function list(argv: readonly string[], session: Session): Promise<number> {
  const command = parsePlain('vm list', listFlags, { json: false, help: false }, argv, session);
  if (command.help) return help(session);
  const found = listSnapshots();
  const sizes = await Promise.all(found.map(({ name }) => sizeOf(name)));
  if (command.json) {
    const entries = found.map((one, index) => ({ ...one, bytes: sizes[index] }));
    session.print(`${JSON.stringify(entries, null, 2)}\n`);
  } else if (found.length > 0) session.print(table(found, sizes));
  return 0;
}

const mebibytes = (bytes = 0): string => `${Math.round(bytes / 2 ** 20)} MiB`;

function table(snapshots: readonly Snapshot[], sizes: readonly number[]): string {
  const rows = snapshots.map(({ name, image, created, machine }, index) => [
    name,
    image,
    `${machine.type}, ${machine.accelerator}`,
    mebibytes(machine.memory),
    mebibytes(sizes[index]),
    created.slice(0, 16).replace('T', ' '),
  ]);
  const all = [['NAME', 'IMAGE', 'MACHINE', 'MEMORY', 'ON DISK', 'CREATED (UTC)'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ');
  return all.map((row) => `${line(row).trimEnd()}\n`).join('');
}

async function rm(argv: readonly string[], session: Session): Promise<number> {
  const draft = { help: false };
  const flags = sweepFlags.flatMap((group) => group.flags);
  const { rest, problems } = readFlags(flags, argv, draft, session);
  if (draft.help) return help(session);
  throwProblems('vm rm', rest.length > 0 ? problems : [...problems, 'no name (expected tare vm rm NAME...)']);
  for (const name of rest) await removeSnapshot(name);
  return 0;
}

async function help(session: Session): Promise<number> {
  const { printHelp } = await import('./help.ts');
  printHelp('vm', session);
  return 0;
}
