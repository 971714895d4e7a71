/** `npm run bench [QUESTION…] [-- --rounds N --alive N]`: asks all questions, or those named. */
import { parseArgs } from 'node:util';
import { cli } from './cli.ts';
import { docker } from './docker.ts';
import { honesty } from './honesty.ts';
import { machine } from './machine.ts';
import { oci } from './oci.ts';
import { profile } from './profile.ts';
import type { Question, Settings } from './question.ts';
import { keep, say, sayMachine } from './report.ts';
import { scale } from './scale.ts';
import { start } from './start.ts';

const questions: readonly Question[] = [start, cli, oci, docker, profile, machine, scale, honesty];

const options = { rounds: { type: 'string' }, alive: { type: 'string', default: '1000' } } as const;
const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const unknown = positionals.filter((name) => !questions.some((question) => question.name === name));
const asked = questions.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const settings: Settings = {
  rounds: values.rounds === undefined ? undefined : Number(values.rounds),
  alive: Number(values.alive),
};

if (unknown.length > 0 || !isCount(settings.rounds ?? 1) || !isCount(settings.alive)) {
  const names = questions.map(({ name, asks }) => `  ${name.padEnd(8)} ${asks}\n`).join('');
  process.stderr.write(`usage: npm run bench [QUESTION…] [-- --rounds N --alive N]\n\n${names}`);
  process.exit(2);
}

// Node 20 parses these certificates at its start, which takes 40 ms: none of what is measured needs them.
delete process.env.NODE_EXTRA_CA_CERTS;
sayMachine();
for (const question of asked) {
  say(`\n${question.name}: ${question.asks}\n`);
  keep(question.name, await question.answer(settings));
}
