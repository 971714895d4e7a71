/**
 * `npm run test:oci`: runs the conformance suite of OCI runtimes over tare-oci, runc and crun, and writes who passes what
 * into tests/conformance/oci/README.md, and in short into README.md. As root.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

import { stop } from './command.mjs';
import { at } from './root.mjs';

/** Test files, and the part of the runtime-spec that each is about. */
const chapters = {
  lifecycle: 'runtime.md, "Lifecycle": create, start, state, kill, delete',
  operations: 'runtime.md, "Operations", and what runc adds: exec, ps, pause, update, list',
  limits: 'config-linux.md, "Control groups": memory, CPU, processors, processes',
  hooks: 'config.md, "POSIX-platform Hooks"',
  config: 'config.md and config-linux.md, property by property',
  cve: 'holes that runtimes once had',
};

const runtimes = ['tare-oci', 'runc', 'crun'];

/** @typedef {{ ancestorTitles: string[], title: string, status: string }} Result */

const file = at('dist/oci-conformance.json');
const files = Object.keys(chapters).map((chapter) => `tests/conformance/oci/${chapter}.test.ts`);
const words = ['run', '--project', 'conformance', '--reporter=json', `--outputFile=${file}`, ...files];

spawnSync(at('node_modules/.bin/vitest'), words, {
  cwd: at(),
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, TARE_OCI_TABLE: '1' },
});

/** @type {{ testResults: { name: string, assertionResults: Result[] }[] }} */
const { testResults } = JSON.parse(readFileSync(file, 'utf8'));

/** @param {string} runtime @param {string} chapter */
const resultsOf = (runtime, chapter) =>
  testResults
    .filter(({ name }) => basename(name) === `${chapter}.test.ts`)
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ ancestorTitles, status }) => ancestorTitles.includes(`'${runtime}'`) && status !== 'skipped');

/** @param {Result[]} results */
const score = (results) => {
  const passed = results.filter(({ status }) => status === 'passed').length;
  return results.length === 0 ? '–' : `${passed} of ${results.length}`;
};

/** @param {string} runtime */
const failuresOf = (runtime) =>
  Object.keys(chapters).flatMap((chapter) =>
    resultsOf(runtime, chapter)
      .filter(({ status }) => status !== 'passed')
      .map(({ title }) => `- ${runtime}: ${title}`),
  );

/** @param {string} command */
function version(command) {
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return stdout?.split('\n')[0] ?? 'not installed';
}

const rows = Object.entries(chapters).map(
  ([chapter, about]) =>
    `| [${chapter}](${chapter}.test.ts) | ${about} | ${runtimes.map((runtime) => score(resultsOf(runtime, chapter))).join(' | ')} |`,
);
const whole = runtimes.map((runtime) => score(Object.keys(chapters).flatMap((chapter) => resultsOf(runtime, chapter))));
const failures = runtimes.flatMap(failuresOf);
if (resultsOf('tare-oci', 'lifecycle').length === 0) stop('nothing was run: the suite takes root');

writeFileSync(
  at('tests/conformance/oci/README.md'),
  `# Who passes what

Written by \`npm run test:oci\` from a run of this suite: ${version(at('bin/tare-oci'))}, ${version('runc')}, ${version('crun')}, as Debian 12
has them. A test that a runtime leaves out counts for neither side: crun and runc cannot do some of it on a host with both versions of cgroups.

| file | about | ${runtimes.join(' | ')} |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
| | all | ${whole.join(' | ')} |

What fails, and why where that is known (\`deviations.ts\`, and \`open\` in \`cve.test.ts\`):

${failures.length === 0 ? '- nothing' : failures.join('\n')}
`,
);

/** @param {string[]} cells */
const row = (cells) => `| ${cells.join(' | ')} |`;
const titles = [...Object.keys(chapters), 'all'];
/** @param {string} runtime */
const scores = (runtime) => {
  const results = Object.keys(chapters).map((chapter) => resultsOf(runtime, chapter));
  return [...results, results.flat()].map(score);
};
/** @param {string} runtime */
const named = (runtime) => {
  const number = runtime === 'tare-oci' ? undefined : /\d+(\.\d+)+/.exec(version(runtime))?.[0];
  return number === undefined ? runtime : `${runtime} ${number}`;
};
const short = [
  row(['', ...titles]),
  row(titles.map(() => '---').concat('---')),
  ...runtimes.map((runtime) => row([named(runtime), ...scores(runtime)])),
];
const front = readFileSync(at('README.md'), 'utf8');
const marked = /(<!-- test:oci -->\n)[^]*(<!-- \/test:oci -->)/;
writeFileSync(
  at('README.md'),
  front.replace(marked, (_, begin, end) => `${begin}\n${short.join('\n')}\n\n${end}`),
);

process.stdout.write(`${whole.map((score, index) => `${runtimes[index]}: ${score}`).join(', ')}\n`);
process.exitCode = failures.some((line) => line.startsWith('- tare-oci')) ? 1 : 0;
