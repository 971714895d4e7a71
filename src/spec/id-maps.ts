/** Maps of ids as user_namespaces(7) has them. */
import type { Problem } from './problem.ts';
import { problem } from './problem.ts';
import type { IdMap } from './request.ts';
import type { Sound } from './shape.ts';

/** Maps as they are read: faulty ones leave holes. */
type SoundMaps = readonly (Sound<IdMap> | undefined)[] | undefined;

/** The kernel's limit since Linux 4.15 (user_namespaces(7)). */
const mostExtents = 340;

/** Whether an id of the container has one on the host. */
export function isMapped(maps: readonly (Partial<IdMap> | undefined)[], id: number): boolean {
  return maps.some((map) => {
    const { containerID, size } = map ?? {};
    return containerID !== undefined && size !== undefined && id >= containerID && id - containerID < size;
  });
}

function* overlaps(maps: SoundMaps, side: 'containerID' | 'hostID', at: string): Generator<Problem> {
  const ranges: { from: number; to: number }[] = [];
  for (const [index, map] of (maps ?? []).entries()) {
    const { [side]: from, size } = map ?? {};
    if (from === undefined || size === undefined) continue;
    const to = from + size;
    if (to > 2 ** 32) yield problem(`${at}/${index}/size`, `must end within 32 bits, counted from ${side} ${from}`);
    else if (ranges.some((range) => from < range.to && range.from < to)) {
      yield problem(`${at}/${index}`, `must not map a ${side} that an earlier entry maps`);
    }
    ranges.push({ from, to });
  }
}

/** What user_namespaces(7) asks of a map, wherever it stands. */
export function* idMapProblems(maps: SoundMaps, at: string): Generator<Problem> {
  yield* overlaps(maps, 'containerID', at);
  yield* overlaps(maps, 'hostID', at);
  if ((maps?.length ?? 0) > mostExtents) yield problem(at, `must hold at most ${mostExtents} entries`);
}
