/** `--help`, drawn by commander from the tables in `flags/` and `pages.ts`. */
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { TareError } from '../errors.ts';
import { didYouMean } from '../spec/nearest.ts';
import type { Page } from './page.ts';
import { overview, pages } from './pages.ts';
import { quote } from './quote.ts';
import type { Session } from './session.ts';

const width = 80;

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const words = argv.filter((word) => !word.startsWith('-'));
  printHelp(words.length === 0 ? undefined : words.join(' '), session);
  return 0;
}

/** @param verb such as `run` or `vm snapshot`; all of them where absent */
export function printHelp(verb: string | undefined, session: Session): void {
  session.print(helpPage(verb, session.colours(1)));
}

export function helpPage(verb: string | undefined, colours: boolean): string {
  const paint = pc.createColors(colours);
  const page: Omit<Page, 'group' | 'summary'> = verb === undefined ? overview : pageOf(verb);
  const command = new Command().helpOption(false).helpCommand(false).usage(page.usage).description(page.about);
  command.configureHelp({
    helpWidth: width,
    commandUsage: () => page.usage,
    optionTerm: ({ short, flags }) => (short === undefined ? `    ${flags}` : flags).replace(/<(.*)>/, '$1'),
    subcommandTerm: (sub) => sub.name(),
    styleTitle: (title) => paint.bold(title),
    styleOptionTerm: (term) => paint.cyan(term),
    styleSubcommandTerm: (term) => paint.cyan(term),
  });
  command.configureOutput({ getOutHasColors: () => colours });
  if (verb === undefined) addVerbs(command);
  for (const [name, { summary }] of Object.entries(page.actions ?? {}))
    command.addCommand(new Command(name).description(summary).helpGroup('Actions:'));
  addFlags(command, page);
  return `${command.helpInformation()}\n${examples(page, paint)}${more(verb, page)}`;
}

function more(verb: string | undefined, { actions = {} }: Pick<Page, 'actions'>): string {
  if (verb === undefined) return '\nEvery verb has a page of its own: tare help run\n';
  const [first] = Object.keys(actions);
  return first === undefined ? '' : `\nEvery action has a page of its own: tare help ${verb} ${first}\n`;
}

function pageOf(words: string): Omit<Page, 'group'> {
  const [verb = '', action] = words.split(' ');
  const page = find(pages, verb);
  if (page === undefined) {
    throw new TareError(`help ${quote(verb)}: no such verb${didYouMean(verb, Object.keys(pages))}`, {
      hint: 'see tare --help',
    });
  }
  return (action === undefined ? undefined : find(page.actions ?? {}, action)) ?? page;
}

const find = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

function addVerbs(program: Command): void {
  for (const [name, { group, summary }] of Object.entries(pages)) {
    program.addCommand(new Command(name).description(summary).helpGroup(`${group}:`));
  }
}

function addFlags(command: Command, { groups }: Pick<Page, 'groups'>): void {
  for (const { title, flags } of groups) {
    for (const { name, short, value, help } of flags) {
      const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
      const option = new Option(value === undefined ? names : `${names} <${value}>`, help);
      command.addOption(option.helpGroup(`${title}:`));
    }
  }
}

function examples(
  { examples: list }: Pick<Page, 'examples'>,
  { bold, dim }: ReturnType<typeof pc.createColors>,
): string {
  const lines = list.map(([command, what]) => (what === '' ? `  ${command}\n` : `  ${command}\n      ${dim(what)}\n`));
  return `${bold('Examples:')}\n${lines.join('')}`;
}
