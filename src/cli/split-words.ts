/** A command line in one word, split as a shell would: blanks part words, quotes and backslashes keep them together. Pure. */

/** @returns undefined where a quote is not closed */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  const piece = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|(\s+)|([^\s'"\\]+)|(.)/gsy;
  for (const [, single, double, escaped, blank, bare, broken] of text.matchAll(piece)) {
    if (broken !== undefined) return undefined;
    if (blank === undefined) word = (word ?? '') + (single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? bare);
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return word === undefined ? words : [...words, word];
}
