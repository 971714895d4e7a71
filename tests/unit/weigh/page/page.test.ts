import { describe, expect, test } from 'vitest';
import { publications } from '../../../../src/weigh/anchors.ts';
import { samplesOf } from '../../../../src/weigh/report/page/downloads.ts';
import { renderPage } from '../../../../src/weigh/report/page.ts';
import type { Weighing } from '../../../../src/weigh/types/result.ts';
import { example, withoutMachine } from './example.ts';

/** Charts have their own tests. */
const draw = async (): Promise<string> => '<svg xmlns="x" viewBox="0 0 1 1"></svg>';
const render = async (weighing: Weighing): Promise<string> => renderPage(weighing, publications, draw);
/** As a reader sees it. */
const text = (page: string): string =>
  page
    .replace(/<style>[^]*?<\/style>/, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

describe('the page', () => {
  test('has these sections', async () => {
    const heads = [...(await render(example)).matchAll(/<h([12])[^>]*>([^<]*)</g)].map(
      ([, level, name]) => `${level} ${name?.trim()}`,
    );
    expect(heads).toMatchInlineSnapshot(`
      [
        "1 What isolation costs",
        "2 Where does a start’s time go?",
        "2 How long does one take, from the request to the first byte, its exit and nothing left?",
        "2 How many are started per second, when so many are asked for at once?",
        "2 How much memory does an idle instance add to the host?",
        "2 What have others published?",
        "2 Who was weighed?",
        "2 Where, and by what means?",
      ]
    `);
  });

  test('asks no network for anything and runs no script', async () => {
    const page = await render(example);
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\ssrc=|\son[a-z]+="/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });

  test('gives every drawing a description, every table a caption and heads', async () => {
    const page = await render(example);
    const drawings = page.match(/<svg (?![^>]*aria-hidden)[^>]*>/g) ?? [];
    expect(drawings.length).toBeGreaterThan(10);
    for (const drawing of drawings) expect(drawing).toMatch(/role="img".* aria-label="[^"]{20,}/);
    const tables = page.match(/<table[^]*?<\/table>/g) ?? [];
    expect(tables.length).toBeGreaterThan(10);
    for (const table of tables)
      expect(table).toMatch(/<caption>[^<]+<\/caption>[^]*<th\s+scope="col"[^]*<th scope="row"/);
  });

  test('names what is missing, with its reason, and what died', async () => {
    const page = text(await render(example));
    expect(page).toContain('podman run : not measured: not installed ( apt-get install podman )');
    expect(page).toContain('crun run ended early: crun: open `/proc/self/exe`: Too many open files');
    expect(page).toContain('This weighing is incomplete.');
  });

  test('says so where no start of a virtual machine was followed', async () => {
    expect(text(await render(withoutMachine))).toContain(
      'A virtual machine: not measured: QEMU microvm, TCG: no QEMU (apt-get install qemu-system-x86).',
    );
    expect(text(await render({ ...example, timelines: [] }))).toContain(
      'A virtual machine: not measured: this weighing followed no start of it.',
    );
    const timelines = [{ backend: 'qemu-tcg', failure: 'the guest panicked', spans: [] }];
    expect(text(await render({ ...example, timelines }))).toContain(
      'A virtual machine: not measured: QEMU microvm, TCG: the guest panicked.',
    );
  });

  test('shows published figures only with what they count, and says what it leaves out', async () => {
    const page = text(await render(example));
    expect(page).toContain('Firecracker, end to end 161');
    expect(page).toContain('Different definition: the guest boots a minimal kernel');
    expect(page).toContain('What it measured was not asked in this weighing.');
  });

  test('shows the paper first whose workloads were run', async () => {
    const order = (page: string) => [...page.matchAll(/<h3 id="published-(\w+)"/g)].map(([, name]) => name);
    const settings = { ...example.settings, suite: 'hotcloud19' };
    expect(order(await render(example))[0]).toBe('nsdi20');
    expect(order(await render({ ...example, settings }))[0]).toBe('hotcloud19');
  });

  test('lets no name of a result file be markup', async () => {
    const hostile = JSON.parse(JSON.stringify(example).replaceAll('crun run', '<script>&\\"')) as Weighing;
    const page = await render(hostile);
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;&amp;&quot;');
  });

  test('can be made of a weighing that was interrupted before it began', async () => {
    const empty: Weighing = { ...example, outcome: 'interrupted', questions: [], timelines: [], harness: [] };
    expect(text(await render(empty))).toContain('This weighing is interrupted.');
  });

  test('leads to nothing that is not there', async () => {
    const [start, rate] = example.questions;
    const page = await render({ ...example, questions: [start!, { ...rate!, series: [], missing: [] }] });
    const places = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.filter((id) => !places.includes(id))).toEqual([]);
    expect(links).not.toContain('rate');
  });
});

test('raw samples are a line each', () => {
  const question = example.questions.find(({ name }) => name === 'memory')!;
  expect(samplesOf(question).split('\r\n').slice(0, 3)).toMatchInlineSnapshot(`
    [
      "variant,backend,round,added (MiB),payload (MiB),helpers (MiB),kernel (MiB)",
      "idle,process,0,0.2,0.1009,0,0.1028",
      "idle,process,1,0.2057,0.1011,0,0.1022",
    ]
  `);
});
