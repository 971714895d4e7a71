/** `--user name|uid[:group|gid]`, looked up as passwd(5) and group(5) of the image have it. Pure. */
import { TareError } from '../errors.ts';
import type { ResolvedUser } from '../spec/spec-facts.ts';

export interface UserFiles {
  /** The image's /etc/passwd and /etc/group; `undefined` where it has none. */
  readonly passwd: string | undefined;
  readonly group: string | undefined;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * As Docker has it: a number need not be listed, a name must be; the group is the listed one, or 0, unless named; the
 * supplementary groups are those that list the user, unless a group is named.
 */
export function lookUpUser(user: string, groupAdd: readonly string[], files: UserFiles): ResolvedUser {
  const passwd = parsePasswd(files.passwd ?? '');
  const groups = parseGroup(files.group ?? '');
  const [userPart = '', groupPart] = user.split(':');
  const entry = findUser(userPart === '' ? '0' : userPart, passwd, files);
  const gid = groupPart === undefined || groupPart === '' ? entry.gid : findGroup(groupPart, groups, files);
  const listed =
    groupPart === undefined ? groups.filter(({ members }) => members.includes(entry.name)).map(({ gid }) => gid) : [];
  const added = groupAdd.map((name) => findGroup(name, groups, files));
  return { uid: entry.uid, gid, additionalGids: [...new Set([...listed, ...added])], home: entry.home };
}

function findUser(name: string, passwd: readonly PasswdEntry[], files: UserFiles): PasswdEntry {
  const number = idOf(name);
  const entry = passwd.find((candidate) => (number === undefined ? candidate.name === name : candidate.uid === number));
  if (entry !== undefined) return entry;
  if (number !== undefined) return { name: '', uid: number, gid: 0, home: '/' };
  throw notFound(
    'user',
    name,
    files.passwd === undefined ? 'the image has no /etc/passwd' : "it is not in the image's /etc/passwd",
  );
}

function findGroup(name: string, groups: readonly GroupEntry[], files: UserFiles): number {
  const number = idOf(name);
  if (number !== undefined) return number;
  const entry = groups.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry.gid;
  throw notFound(
    'group',
    name,
    files.group === undefined ? 'the image has no /etc/group' : "it is not in the image's /etc/group",
  );
}

const notFound = (kind: string, name: string, why: string) =>
  new TareError(`find the ${kind} ${JSON.stringify(name)}`, { hint: `${why}; a number works without` });

/** Ids are 32 bits, and the last one means "no id". */
function idOf(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id < 2 ** 32 - 1) return id;
  throw new TareError(`use the id ${text}`, { hint: 'ids are below 4294967295' });
}

function parsePasswd(text: string): PasswdEntry[] {
  return entries(text).flatMap(([name, , uid, gid, , home]) =>
    name === undefined || uid === undefined || gid === undefined
      ? []
      : [{ name, uid: Number(uid), gid: Number(gid), home: home === undefined || home === '' ? '/' : home }],
  );
}

function parseGroup(text: string): GroupEntry[] {
  return entries(text).flatMap(([name, , gid, members = '']) =>
    name === undefined || gid === undefined
      ? []
      : [{ name, gid: Number(gid), members: members.split(',').filter(Boolean) }],
  );
}

const entries = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
