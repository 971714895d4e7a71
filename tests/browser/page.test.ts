/** The page as a reader meets it, in Debian's chromium: on paper, in the dark, on a small screen and by keyboard alone. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publications } from '../../src/weigh/anchors.ts';
import { draw } from '../../src/weigh/report/page/draw.ts';
import { renderPage } from '../../src/weigh/report/page.ts';
import type { Weighing } from '../../src/weigh/types/result.ts';
import { needs } from '../kernel/needs.ts';
import { example } from '../unit/weigh/page/example.ts';
import { looks } from './looks.ts';

const here = needs('tool:chromium');

/** With a name that has no place to break, as some machines have. */
const weighing: Weighing = {
  ...example,
  machine: {
    ...example.machine,
    switches: { '/sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never' },
  },
};

describe.runIf(here)('the page of a weighing', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tare-page-'));
  const url = pathToFileURL(join(directory, 'page.html')).href;
  let browser: Browser;

  beforeAll(async () => {
    writeFileSync(join(directory, 'page.html'), await renderPage(weighing, publications, draw));
    // Root has no sandbox of its own in chromium.
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser.close();
    rmSync(directory, { recursive: true });
  });

  async function open(options: BrowserContextOptions, look: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext(options);
    try {
      const page = await context.newPage();
      await page.goto(url);
      await look(page);
    } finally {
      await context.close();
    }
  }

  const sized = (width: number) => ({ viewport: { width, height: 900 } });

  test('asks for nothing but itself, and the browser has no complaint', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const asked: string[] = [];
    const said: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    await page.goto(url);
    await context.close();
    expect({ asked, said }).toEqual({ asked: [url], said: [] });
  });

  test('would be found out: a page that is too wide, too pale and printed over itself', async () => {
    await open(sized(400), async (page) => {
      const text = (x: number, words: string) => `<text x="${x}" y="20">${words}</text>`;
      const drawing = `<svg width="380" height="40" viewBox="0 0 760 40">${text(10, 'one over')}${text(20, 'the other')}${text(750, 'and out')}</svg>`;
      await page.setContent(`<body style="margin:0"><p style="width:500px;color:#999">pale</p>${drawing}`);
      const { overflow, outside, overlapping, faint, letters } = await page.evaluate(looks);
      expect({ overflow, outside, overlapping, faint, letters }).toEqual({
        overflow: 100,
        outside: ['and out'],
        overlapping: ['one over | the other'],
        faint: ['pale: 2.85'],
        letters: 8,
      });
    });
  });

  test.each([320, 400, 860, 861, 1600])('fits into %d pixels, with all letters of its charts', async (width) => {
    await open(sized(width), async (page) => {
      const { overflow, outside, overlapping, letters } = await page.evaluate(looks);
      expect({ overflow, outside, overlapping }).toEqual({ overflow: 0, outside: [], overlapping: [] });
      expect(letters).toBeGreaterThanOrEqual(width === 320 ? 9.5 : 10.5);
    });
  });

  test.each(['light', 'dark'] as const)('has enough contrast where the reader wants it %s', async (colorScheme) => {
    await open({ ...sized(1100), colorScheme }, async (page) => {
      const { faint, background } = await page.evaluate(looks);
      expect(faint).toEqual([]);
      expect(background < 0.2).toBe(colorScheme === 'dark');
    });
  });

  test('is printed in black on white, with what is folded up on the screen and nothing to click', async () => {
    await open({ ...sized(1100), colorScheme: 'dark' }, async (page) => {
      await page.emulateMedia({ media: 'print' });
      const { faint, background } = await page.evaluate(looks);
      expect({ faint, background }).toEqual({ faint: [], background: 1 });
      expect(await page.getByRole('navigation').count()).toBe(0);
      expect(await page.getByRole('heading', { name: '10 at once' }).isVisible()).toBe(true);
      expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-');
    });
  });

  test('can be read by keyboard alone: a way past the head, to every link, fold and wide table', async () => {
    await open(sized(400), async (page) => {
      const stops = await page.evaluate(
        () => [...document.querySelectorAll('a, summary, [tabindex]')].filter((one) => one.checkVisibility()).length,
      );
      const seen: string[] = [];
      for (let stop = 0; stop < stops; stop += 1) {
        await page.keyboard.press('Tab');
        const { name, outline } = await page.evaluate(() => {
          const element = document.activeElement ?? document.body;
          return { name: element.tagName, outline: getComputedStyle(element).outlineStyle };
        });
        seen.push(outline === 'solid' ? name : `${name} without an outline`);
      }
      expect(seen[0]).toBe('A');
      expect([...new Set(seen)].toSorted()).toEqual(['A', 'DIV', 'SUMMARY']);
    });
  });

  test('opens a fold by key, and shows every sample with its outliers marked', async () => {
    await open(sized(1100), async (page) => {
      const fold = page.getByText('Every sample (172)');
      await fold.focus();
      await page.keyboard.press('Enter');
      const marked = page.locator('details[open] mark');
      expect(await marked.allTextContents()).toEqual(['1.57', '8.46', '30.8', '1867', '1853']);
    });
  });

  test('tells a screen reader of every drawing and every table', async () => {
    await open(sized(1100), async (page) => {
      const drawings = await page.getByRole('img').all();
      expect(drawings.length).toBeGreaterThan(8);
      for (const drawing of drawings) expect((await drawing.getAttribute('aria-label'))?.length).toBeGreaterThan(20);
      expect(await page.getByRole('table', { name: 'request → all gone, ms: start, page cache warm' }).count()).toBe(1);
      const head = page.getByRole('rowheader', { name: 'crun run' }).first();
      expect(await head.isVisible()).toBe(true);
    });
  });

  test('gives the whole result away as the file it was made of', async () => {
    await open({ acceptDownloads: true }, async (page) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'the whole result, as JSON' }).click(),
      ]);
      expect(download.suggestedFilename()).toBe('weighing.json');
      expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toEqual(weighing);
    });
  });
});
