/** How far a weighing is: its parts one below the other, and of the one under way a bar with the time left. */
import {
  DefaultRenderer,
  Listr,
  ListrLogger,
  type ListrTaskWrapper,
  PRESET_TIMER,
  ProcessOutput,
  type SimpleRenderer,
} from 'listr2';
import { duration } from './report/figures.ts';
import type { Part, Progress } from './types/progress.ts';

const width = 20;

interface ProgressList extends AsyncDisposable {
  readonly show: (progress: Progress) => void;
}

/** listr2 looks whether standard output is a terminal, and this is drawn elsewhere. */
class Drawn extends DefaultRenderer {
  static override nonTTY = true;
}

type Line = ListrTaskWrapper<unknown, typeof Drawn, typeof SimpleRenderer>;

/** @param parts in the order in which they come */
export function progressList(parts: readonly Part[], stream: NodeJS.WriteStream): ProgressList {
  const lines = parts.map((part) => new Ongoing(part));
  let called = false;
  const list = new Listr(
    lines.map((one) => ({
      title: titles[one.part] ?? one.part,
      skip: () => called,
      task: async (_: unknown, line: Line) => one.begin(line),
    })),
    {
      renderer: Drawn,
      concurrent: false,
      registerSignalListeners: false, // Ctrl-C ends the measuring, which ends this
      rendererOptions: {
        // Nothing may run by the clock in the process that takes times.
        lazy: true,
        clearOutput: true,
        timer: PRESET_TIMER,
        formatOutput: 'truncate',
        logger: new ListrLogger({ useIcons: true, toStderr: [], processOutput: new ProcessOutput(stream, stream) }),
      },
    },
  );
  const drawn = list.run();
  return {
    show: ({ part, doing, done, left }) => {
      const at = lines.findIndex((one) => one.part === part);
      for (const before of lines.slice(0, Math.max(0, at))) before.end();
      const line = lines[at]?.line;
      if (line === undefined) return;
      line.output = left === undefined ? doing : `${bar(done)} ${left.as} ${duration(left.seconds)} left, ${doing}`;
    },
    [Symbol.asyncDispose]: async () => {
      called = true;
      for (const line of lines) line.end();
      await drawn;
    },
  };
}

/** A part that lasts until it is said to be over, which may come before it has begun to be drawn. */
class Ongoing {
  readonly part: Part;
  line: Line | undefined;
  end: () => void = () => {};
  readonly #over = new Promise<void>((resolve) => {
    this.end = resolve;
  });

  constructor(part: Part) {
    this.part = part;
  }

  async begin(line: Line): Promise<void> {
    this.line = line;
    await this.#over;
  }
}

const titles: Readonly<Partial<Record<Part, string>>> = {
  harness: 'what the measuring itself costs',
  probe: 'which backends are ready',
  follow: 'starts, step by step',
};

function bar(done: number): string {
  const full = Math.round(done * width);
  return `${'━'.repeat(full)}${'┄'.repeat(width - full)} ${Math.floor(done * 100)} %`;
}
