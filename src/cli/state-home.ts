import { join } from 'node:path';
import { TareError } from '../errors.ts';
import type { Session } from './session.ts';

/**
 * XDG Base Directory Specification: for what should outlive a restart, but is no document of the user.
 * @param what is kept there, for the error
 */
export function stateHome({ env }: Pick<Session, 'env'>, what: string): string {
  if (env.XDG_STATE_HOME?.startsWith('/') === true) return env.XDG_STATE_HOME;
  if (env.HOME === undefined || env.HOME === '')
    throw new TareError(`find a place for ${what}`, { hint: 'set HOME or XDG_STATE_HOME' });
  return join(env.HOME, '.local/state');
}
