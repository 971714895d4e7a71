/** Two texts that differ in one place, as diff(1) would show it. Pure. */
const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

export function difference(before: string, after: string): string {
  const [was, is] = [linesOf(before), linesOf(after)];
  const shorter = Math.min(was.length, is.length);
  let first = 0;
  while (first < shorter && was[first] === is[first]) first += 1;
  let last = 0;
  while (last < shorter - first && was.at(-1 - last) === is.at(-1 - last)) last += 1;
  const between = (lines: readonly string[], sign: string): string[] =>
    lines.slice(first, lines.length - last).map((line) => `${sign}${line}`);
  return [...between(was, '-'), ...between(is, '+')].map((line) => `${line}\n`).join('');
}
