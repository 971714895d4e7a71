import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dispatch } from '../../../src/cli/dispatch.ts';
import { verbs } from '../../../src/cli/verbs.ts';
import { MemorySession } from './memory-session.ts';

async function tare(...argv: string[]) {
  const session = new MemorySession();
  const status = await dispatch(argv, session);
  return { status, printed: session.printed, complained: session.complained };
}

test('alone it prints its help, as --help and help do', async () => {
  const alone = await tare();
  expect(alone).toMatchObject({ status: 0, complained: '' });
  expect(await tare('--help')).toEqual(alone);
  expect(await tare('-h')).toEqual(alone);
  expect(await tare('help')).toEqual(alone);
});

test('a verb prints its own page', async () => {
  for (const name of [...verbs.keys()].filter((verb) => verb !== 'help')) {
    const page = await tare(name, '--help');
    expect(page).toMatchObject({ status: 0, complained: '' });
    expect(page.printed).toMatch(new RegExp(`^Usage: tare ${name}`));
    expect(await tare('help', name)).toEqual(page);
  }
});

test('a verb that there is not', async () => {
  expect(await tare('rnu')).toMatchInlineSnapshot(`
    {
      "complained": "tare: rnu: no such verb; did you mean run? (hint: see tare --help)
    ",
      "printed": "",
      "status": 125,
    }
  `);
  expect((await tare('--privileged')).complained).toMatchInlineSnapshot(`
    "tare: --privileged: no such flag before the verb (hint: see tare --help)
    "
  `);
  expect((await tare('help', 'explian')).complained).toMatchInlineSnapshot(`
    "tare: help explian: no such verb (did you mean explain?) (hint: see tare --help)
    "
  `);
});

test('a verb that takes no words', async () => {
  expect((await tare('doctor', '--jsno', 'now')).complained).toMatchInlineSnapshot(`
    "tare: doctor: 2 problems
      --jsno: no such flag; did you mean --json?
      now: takes no such word (expected flags alone)
    hint: see tare doctor --help
    "
  `);
});

test('a file of variables that is not there', async () => {
  expect(await tare('run', '--env-file', 'none', 'busybox')).toMatchInlineSnapshot(`
    {
      "complained": "tare: read --env-file /here/none: ENOENT
    ",
      "printed": "",
      "status": 125,
    }
  `);
});

test('the version is that of package.json', async () => {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  expect(await tare('--version')).toEqual({ status: 0, printed: `tare ${version}\n`, complained: '' });
});
