/** How far a weighing is, on one line of a terminal that is written over and over. */
import { duration } from './report/figures.ts';
import type { Desk } from './types/command.ts';
import type { Progress } from './weigh.ts';

const width = 20;

export interface ProgressLine extends Disposable {
  readonly show: (progress: Progress) => void;
}

export function progressLine({ complain, watched }: Desk): ProgressLine {
  if (!watched) return { show: () => undefined, [Symbol.dispose]: () => undefined };
  return {
    show: ({ doing, done, seconds }) => {
      const full = Math.round(done * width);
      const bar = `${'━'.repeat(full)}${'┄'.repeat(width - full)}`;
      const left = Number.isNaN(seconds) ? '' : `  at most ${duration(seconds)} left`;
      complain(`\r\x1b[K${bar} ${Math.floor(done * 100)} %${left}  ${doing}`.slice(0, 84));
    },
    [Symbol.dispose]: () => complain('\r\x1b[K'),
  };
}
