/** `string[]` → `RunCommand`: pure, and every problem at once. */
import { findContradictions } from './contradictions.ts';
import type { Context, Flag, FlagGroup } from './flag.ts';
import { explainFlags, runFlags, stepFlags, traceFlags } from './flags.ts';
import { foreignFlags } from './foreign-flags.ts';
import { throwProblems } from './problems.ts';
import { quote } from './quote.ts';
import { readFlags } from './read-flags.ts';
import { splitWords } from './split-words.ts';
import { findUnfit } from './walls.ts';
import { emptyRun, type ExplainCommand, type RunCommand, type StepCommand, type TraceCommand } from './run-command.ts';

/**
 * @param argv what follows the verb: `[FLAGS] IMAGE [COMMAND…]`
 * @throws TareError that names every flag that is wrong and its accepted form
 */
export const parseRun = (argv: readonly string[], context: Context): RunCommand =>
  parse('run', [], emptyRun(), argv, context);

export const parseExplain = (argv: readonly string[], context: Context): ExplainCommand =>
  parse('explain', explainFlags, { ...emptyRun(), json: false, diff: false }, argv, context);

/** Two starts to be compared: for each what follows `tare explain`. */
export interface DiffCommand {
  readonly names: readonly [one: string, other: string];
  readonly sides: readonly [one: readonly string[], other: readonly string[]];
  readonly json: boolean;
}

/**
 * `[FLAGS] --diff A B`: each of the two is one word that is split like a command line; flags before `--diff` are for both.
 * Undefined where no `--diff` is among the flags.
 */
export function parseDiff(argv: readonly string[], context: Context): DiffCommand | undefined {
  const at = argv.findIndex((word) => word === '--diff');
  if (at < 0) return undefined;
  const draft: ExplainCommand = { ...emptyRun(), json: false, diff: false };
  const flags = [...explainFlags, ...runFlags].flatMap((group): readonly Flag<ExplainCommand>[] => group.flags);
  const before = argv.slice(0, at);
  const { rest, separated, problems } = readFlags(flags, before, draft, context, foreignFlags);
  // What follows an image is its command's.
  if (rest.length > 0 || separated || draft.help) return undefined;
  const last = argv.slice(at + 1);
  if (last.length === 1 && last[0] === '--help') return undefined;
  const words = last.filter((word, index) => !(index === 0 && word === '--json'));
  const [one = '', other = ''] = words;
  const split = [splitWords(one), splitWords(other)] as const;
  throwProblems('explain', [
    ...problems,
    ...(words.length === 2
      ? []
      : [`--diff: takes two words, not ${words.length}: each in quotes where it is more than an image`]),
    ...[one, other]
      .filter((_, index) => split[index] === undefined)
      .map((word) => `${quote(word)}: a quote is not closed`),
  ]);
  const shared = before.filter((word) => word !== '--json');
  return {
    names: [one, other],
    sides: [
      [...shared, ...(split[0] ?? [])],
      [...shared, ...(split[1] ?? [])],
    ],
    json: draft.json || words.length < last.length,
  };
}

export const parseTrace = (argv: readonly string[], context: Context): TraceCommand =>
  parse('trace', traceFlags, { ...emptyRun(), json: false, svg: undefined }, argv, context);

export const parseStep = (argv: readonly string[], context: Context): StepCommand =>
  parse('step', stepFlags, { ...emptyRun(), plain: false }, argv, context);

/** Of `tare vm snapshot`: a guest waits for a command, so that there is none yet. */
export const parseSnapshot = (argv: readonly string[], context: Context): RunCommand => {
  const draft: RunCommand = { ...emptyRun(), isolation: 'vm' };
  const command = parse('vm snapshot', [], draft, argv, context);
  const { request, isolation, machine } = command;
  const problems: string[] = [];
  if (request.args !== undefined) problems.push('a command (expected tare vm snapshot [FLAGS] IMAGE: it is run later)');
  if (isolation !== 'vm') problems.push(`--isolation ${isolation}: only a virtual machine is kept`);
  if (machine.fromSnapshot !== undefined) problems.push('--from-snapshot: would keep what is kept already');
  throwProblems('vm snapshot', problems);
  return command;
};

function parse<D extends RunCommand>(
  verb: string,
  own: readonly FlagGroup<D>[],
  draft: D,
  argv: readonly string[],
  context: Context,
): D {
  // Docker's -h is --hostname; alone it can only be meant otherwise.
  if (argv.length === 1 && argv[0] === '-h') return { ...draft, help: true };
  const flags = [...own, ...runFlags].flatMap((group): readonly Flag<D>[] => group.flags);
  const { rest, separated, given, problems } = readFlags(flags, argv, draft, context, foreignFlags);
  if (draft.help) return draft;
  const [image, ...args] = rest;
  const found = [...problems, ...findContradictions(draft.request, given), ...findUnfit(draft, given)];
  if (verb === 'step' && draft.isolation === 'vm')
    found.push('--isolation vm: a guest cannot be made call by call; see tare explain and tare trace');
  if (image === undefined || image === '') found.push(`no image (expected tare ${verb} [FLAGS] IMAGE [COMMAND...])`);
  throwProblems(verb, found);
  draft.request.image = image ?? '';
  const command = separated || args[0] !== '--' ? args : args.slice(1);
  if (command.length > 0) draft.request.args = command;
  return draft;
}
