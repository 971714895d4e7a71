/** The standard streams of a container, and those beyond: child_process's `stdio`, for fds. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { cell, data, ProgramBuilder } from '../launch/program.ts';
import type { Spawner } from '../launch/spawn.ts';
import { flags, O } from '../linux/flags.ts';

/** The caller's own, a pipe, /dev/null, or an open file descriptor of this process. */
export type Stdio = 'inherit' | 'pipe' | 'ignore' | number;

/** The same for 0, 1 and 2, or one for each of 0, 1, 2 and beyond. */
export type StdioChoice = Stdio | readonly Stdio[];

export interface Streams {
  /** What the child gets as 0, 1, 2 … */
  readonly fds: readonly number[];
  readonly stdin: Socket | undefined;
  readonly stdout: Socket | undefined;
  readonly stderr: Socket | undefined;
  /** Our ends of the pipes, by the child's number for theirs: the first to write to, the others to read from. */
  readonly all: readonly (Socket | undefined)[];
  /** Closes the child's ends; call it when the child has them. */
  release(): void;
  /** Closes both ends: nobody will read or write any more. */
  close(): void;
}

export function openStreams(choice: StdioChoice, spawner: Spawner, nullFd: number): Streams {
  const list = typeof choice === 'object' ? choice : [choice, choice, choice];
  const childEnds: number[] = [];
  const sockets: (Socket | undefined)[] = [];
  const release = () => childEnds.splice(0).forEach((fd) => closeSync(fd));
  const close = () => {
    release();
    for (const socket of sockets) socket?.destroy();
  };
  const open = (one: Stdio, index: number): number => {
    if (typeof one === 'number') return one;
    if (one === 'ignore') return nullFd;
    if (one === 'inherit') return index;
    const [reader, writer] = pipe(spawner);
    const [ours, theirs] = index === 0 ? [writer, reader] : [reader, writer];
    sockets[index] = new Socket({ fd: ours, readable: index !== 0, writable: index === 0 });
    childEnds.push(theirs);
    return theirs;
  };
  try {
    const fds = Array.from({ length: Math.max(3, list.length) }, (_, index) => open(list[index] ?? 'ignore', index));
    const [stdin, stdout, stderr] = sockets;
    return { fds, stdin, stdout, stderr, all: sockets, release, close };
  } catch (error) {
    close();
    throw error;
  }
}

function pipe(spawner: Spawner): [reader: number, writer: number] {
  const [reader, writer] = [cell('reader'), cell('writer')];
  const pair = data('{reader, writer}', [
    { cell: reader, width: 4 },
    { cell: writer, width: 4 },
  ]);
  const b = new ProgramBuilder();
  b.op('make a pipe', 'pipe2', [pair, flags(O, 'CLOEXEC')], {
    hints: { EMFILE: 'raise the limit on open files: ulimit -n' },
  });
  const cells = spawner.run({ ops: b.ops });
  return [cells.get(reader) ?? -1, cells.get(writer) ?? -1];
}
