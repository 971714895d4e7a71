/** subuid(5) and subgid(5) as text. Pure. */
import type { IdRange } from '../linux/host.ts';

/** The first id from which so many are granted to nobody, at the usual step. */
export function freeRange(text: string, size = 65536, first = 100000): IdRange {
  const ends = text.split('\n').map((line) => {
    const [, start, count] = line.split(':').map(Number);
    return (start ?? 0) + (count ?? 0);
  });
  return { start: Math.max(first, ...ends.filter((end) => !Number.isNaN(end))), size };
}

/** The users, by name or number, that have any. */
export const grantees = (text: string): string[] => [
  ...new Set(
    text.split('\n').flatMap((line) => (/^[^:#]+:\d+:[1-9]/.test(line) ? line.slice(0, line.indexOf(':')) : [])),
  ),
];

/** `100000–165535`. */
export const rangeText = ({ start, size }: IdRange): string => `${start}–${start + size - 1}`;
