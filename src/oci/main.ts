/** The command `tare-oci`, behind its front end (native/oci.c): an OCI runtime with runc's command line. */
import { TareError } from '../errors.ts';
import { globalFlags, readWords, verbFlags } from './command-line.ts';
import { Context } from './context.ts';
import { Log, wordsOf } from './log.ts';
import { defaultRoot } from './place.ts';
import { Store } from './store.ts';
import type { Verb } from './verb.ts';
import { didYouMean } from '../spec/nearest.ts';

/** Each is a file of its own that nothing else loads. */
const verbs: Record<keyof typeof verbFlags, () => Promise<Verb>> = {
  create: () => import('./verbs/create.ts'),
  start: () => import('./verbs/start.ts'),
  state: () => import('./verbs/state.ts'),
  kill: () => import('./verbs/kill.ts'),
  delete: () => import('./verbs/delete.ts'),
  run: () => import('./verbs/run.ts'),
  pause: () => import('./verbs/pause.ts'),
  resume: () => import('./verbs/resume.ts'),
  exec: () => import('./verbs/exec.ts'),
  ps: () => import('./verbs/ps.ts'),
  list: () => import('./verbs/list.ts'),
  update: () => import('./verbs/update.ts'),
  events: () => import('./verbs/events.ts'),
  spec: () => import('./verbs/spec.ts'),
  features: () => import('./verbs/features.ts'),
  explain: () => import('./verbs/explain.ts'),
  checkpoint: () => import('./verbs/checkpoint.ts'),
  restore: () => import('./verbs/checkpoint.ts'),
};

/** A verb that does not exist, or what it did not come to. */
const failed = 1;
/** `exec` of a command that could not be executed, as runc has it. */
const notExecuted = 255;

async function main(argv: readonly string[]): Promise<number> {
  let log = new Log({ format: 'text', debug: false });
  let name = '';
  try {
    const words = readWords(argv, 'tare-oci', globalFlags);
    log = openLog(words);
    if (words.has('version')) return await (await import('./verbs/version.ts')).main();
    const [verb = 'help', ...rest] = words.operands;
    name = verb;
    if (verb === 'help' || words.has('help')) return await (await import('./verbs/help.ts')).main();
    if (!isVerb(verb)) throw new TareError(`${verb}: no such verb${didYouMean(verb, Object.keys(verbs))}`);
    if (rest[0] === '-h' || rest[0] === '--help') return await (await import('./verbs/help.ts')).main(verb);
    const store = new Store(words.value('root') ?? defaultRoot(process.env, process.geteuid?.() ?? 0));
    const context = new Context(store, log, words.has('systemd-cgroup'));
    log.debug(`tare-oci ${argv.join(' ')}`);
    const { main: run } = await verbs[verb]();
    const status = await run(readWords(rest, verb, verbFlags[verb]), context);
    return status;
  } catch (error) {
    log.error(wordsOf(error));
    return name === 'exec' ? notExecuted : failed;
  }
}

const isVerb = (word: string): word is keyof typeof verbFlags => Object.hasOwn(verbs, word);

function openLog(words: ReturnType<typeof readWords>): Log {
  const file = words.value('log');
  const format = words.value('log-format') ?? 'text';
  if (format !== 'text' && format !== 'json')
    throw new TareError(`log in the format ${JSON.stringify(format)}`, { hint: 'there is text and json' });
  return new Log({ ...(file === undefined ? {} : { file }), format, debug: words.has('debug') });
}

// Not just `exitCode`: what still listens would keep us.
void main(process.argv.slice(2)).then((status) => process.exit(status));
