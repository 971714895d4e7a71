import type { Session } from '../../../src/cli/session.ts';

/** A session that keeps what is printed. */
export class MemorySession implements Session {
  readonly cwd = '/here';
  readonly env: Record<string, string | undefined> = {};
  logLevel: Session['logLevel'] = 'silent';
  printed = '';
  complained = '';

  readonly written = async (): Promise<void> => {};
  readonly print = (text: string): void => {
    this.printed += text;
  };

  readonly complain = (text: string): void => {
    this.complained += text;
  };

  readonly colours = (): boolean => false;
}
