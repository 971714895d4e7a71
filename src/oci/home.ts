/** HOME, which engines leave to the runtime: as runc has it, by the container's own passwd(5), and `/` for who is not in it. */
import { lookUpUser } from '../image/users.ts';
import type { Engine } from '../container/engine.ts';
import type { Guard } from '../launch/record.ts';
import type { Process } from '../spec/spec.ts';

const passwd = 'etc/passwd';

const knowsHome = ({ env = [] }: Process): boolean => env.some((entry) => entry.startsWith('HOME='));

/** @param root a directory of the host's, with the container's files */
export function withHome(engine: Engine, process: Process, root: string): Process {
  if (knowsHome(process)) return process;
  return { ...process, env: [...(process.env ?? []), `HOME=${homeOf(engine, process.user.uid, root)}`] };
}

function homeOf(engine: Engine, uid: number, root: string): string {
  try {
    return lookUpUser(String(uid), [], filesOf(engine, root)).home ?? '/';
  } catch {
    return '/'; // no file that could be read
  }
}

const filesOf = (engine: Engine, path: string) =>
  engine.userFiles({ reference: '', config: {}, root: { kind: 'directory', path } });

/** What the choice depends on. @param place the root's name in the guard */
export function homeGuards(engine: Engine, process: Process, root: string, place: string): Guard[] {
  if (knowsHome(process)) return [];
  const path = `${place}/${passwd}`;
  const { passwd: expected } = filesOf(engine, root);
  return [expected === undefined ? { kind: 'file', path, expected: undefined } : { kind: 'text', path, expected }];
}
