/** Prose for a terminal: paragraphs are filled, lines that begin with four blanks stay as they are. */
import pc from 'picocolors';
import type { Finding } from './finding.ts';
import type { Verdict } from './judge.ts';

export interface Page {
  readonly columns: number;
  readonly colours: boolean;
}

const widest = 80;

/** @returns lines with their line ends */
export function layOut(text: string, page: Page, indent = ''): string {
  const width = Math.min(page.columns, widest) - indent.length;
  const blocks = text.trim().split(/\n{2,}/);
  return blocks.map((block) => layOutBlock(block, width, page, indent)).join('\n');
}

function layOutBlock(block: string, width: number, { colours }: Page, indent: string): string {
  const { cyan } = pc.createColors(colours);
  // A measured figure may begin a sentence: "7. It is …" is no list.
  const isNumbered = /^1\. /m.test(block) && /^2\. /m.test(block);
  const lines: string[] = [];
  let words: string[] = [];
  let hang = '';
  const flush = () => {
    lines.push(...wrap(words, width, hang));
    words = [];
    hang = '';
  };
  for (const line of block.split('\n')) {
    if (line.startsWith('    ')) {
      flush();
      lines.push(cyan(line));
    } else {
      if (line.startsWith('- ') || (isNumbered && /^\d+\. /.test(line))) {
        flush();
        hang = '  ';
      }
      words.push(...line.split(' ').filter(Boolean));
    }
  }
  flush();
  return lines.map((line) => `${indent}${line}\n`).join('');
}

function wrap(words: readonly string[], width: number, hang: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.trimStart().length > 0 && longer.length > width && line.trim() !== '') {
      lines.push(line);
      line = `${hang}${word}`;
    } else line = longer;
  }
  return line === '' ? lines : [...lines, line];
}

/** Lines of a program: only those that are too wide are wrapped. */
export function fold(text: string, page: Page, indent: string): string {
  const width = Math.min(page.columns, widest) - indent.length;
  return text
    .split('\n')
    .flatMap((line) => (line.length <= width ? [line] : wrap(line.split(' '), width, '  ')))
    .map((line) => (line === '' ? '\n' : `${indent}${line}\n`))
    .join('');
}

/** A label before each paragraph, so that it reads well aloud. */
function labelled(label: string, text: string, page: Page): string {
  const width = Math.min(page.columns, widest) - 12;
  return wrap(text.split(/\s+/), width, '')
    .map((line, index) => `  ${(index === 0 ? label : '').padEnd(10)}${line}\n`)
    .join('');
}

function showFinding({ passed, tested, expected, saw }: Finding, page: Page): string {
  const { green, red } = pc.createColors(page.colours);
  return [
    labelled('tested', tested, page),
    labelled('expected', expected, page),
    labelled('saw', saw, page),
    `  ${passed ? green('passed') : red('failed')}\n`,
  ].join('');
}

/** What came of a step's checks; always in words, whatever the colours say. */
export function showVerdict({ findings, mistake, obstacles }: Verdict, page: Page): string {
  const parts = findings.map((finding) => showFinding(finding, page));
  if (mistake !== undefined) parts.push(layOut(mistake, page));
  if (obstacles.length > 0)
    parts.push(
      [
        'If a command failed, on this machine that may be why:\n',
        ...obstacles.map((line) => layOut(`- ${line}`, page, '  ')),
      ].join(''),
    );
  return parts.join('\n');
}
