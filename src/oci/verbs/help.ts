import { type FlagTable, globalFlags, verbFlags } from '../command-line.ts';

const summaries: Record<keyof typeof verbFlags, string> = {
  create: 'make a container that waits for its start',
  start: 'let a created container run',
  state: 'tell the state of a container, as JSON',
  kill: 'send a signal to a container, SIGTERM unless said otherwise',
  delete: 'remove what is left of a container',
  run: 'create and start a container, wait for its end, and delete it',
  pause: 'stop all processes of a container where they are',
  resume: 'let a paused container go on',
  exec: 'run another process in a container',
  ps: 'list the processes of a container',
  list: 'list all containers',
  update: "change a container's limits",
  events: 'tell what a container uses',
  spec: 'write a config.json to begin with',
  features: 'tell what this runtime can, as JSON',
  explain: 'print the calls that a later verb will make',
  checkpoint: 'not supported',
  restore: 'not supported',
};

/** @param verb to tell of this one alone */
export async function main(verb?: keyof typeof verbFlags): Promise<number> {
  process.stdout.write(verb === undefined ? all() : helpOf(verb));
  return 0;
}

const all = (): string =>
  `NAME:\n   tare-oci - an OCI runtime, to be called by container engines as they call runc\n\n` +
  `USAGE:\n   tare-oci [FLAGS] VERB [FLAGS] …\n${flagLines(globalFlags)}\n` +
  `VERBS:\n${Object.keys(summaries)
    .map((verb) => rowOf(verb as keyof typeof verbFlags))
    .join('')}`;

function rowOf(verb: keyof typeof verbFlags): string {
  const table: FlagTable = verbFlags[verb];
  return `  ${`${verb} ${table.operands}`.padEnd(22)}${summaries[verb]}\n${flagLines(table)}`;
}

function helpOf(verb: keyof typeof verbFlags): string {
  const table: FlagTable = verbFlags[verb];
  const usage = `tare-oci [FLAGS] ${verb} [FLAGS] ${table.operands}`.trim();
  return `NAME:\n   tare-oci ${verb} - ${summaries[verb]}\n\nUSAGE:\n   ${usage}\n${flagLines(table)}`;
}

/** At most 80 columns. */
function flagLines({ flags }: FlagTable): string {
  const words = Object.entries(flags).map(([name, kind]) => `--${name}${kind === 'flag' ? '' : ' …'}`);
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 2 <= 80) lines[lines.length - 1] = `${last}  ${word}`;
    else lines.push(`${' '.repeat(24)}${word}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}
