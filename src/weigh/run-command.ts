/** A command that is run for once, outside of all times. */
import { execa } from 'execa';

export interface Ran {
  readonly failed: boolean;
  /** The last line that it wrote to standard error: it says most. */
  readonly said: string;
  /** What it wrote to standard output. */
  readonly output: string;
}

/** @param patience seconds */
export async function runCommand(command: readonly string[], patience: number): Promise<Ran> {
  const [program = '', ...words] = command;
  const { failed, stderr, stdout } = await execa(program, words, { reject: false, timeout: patience * 1000 });
  return { failed, said: stderr.trim().split('\n').at(-1) ?? '', output: stdout };
}
