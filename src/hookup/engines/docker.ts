/** dockerd(8), "daemon.json": edited in place, so that whatever else stands there stays as it was written. */
import { applyEdits, type JSONPath, modify, type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { TareError } from '../../errors.ts';
import { type HookUp, runtimeName } from '../hook-up.ts';

const file = '/etc/docker/daemon.json';

type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

interface Settings {
  readonly runtimes: Node;
  readonly usual?: unknown;
}

function read(text: string): Settings {
  const errors: ParseError[] = [];
  const document: unknown = parse(text, errors, { disallowComments: true, allowEmptyContent: true }) ?? {};
  const [error] = errors;
  if (error !== undefined) {
    const line = text.slice(0, error.offset).split('\n').length;
    throw new TareError(`read ${file}, line ${line}: ${printParseErrorCode(error.error)}`, {
      hint: 'it has to be JSON',
    });
  }
  if (!isNode(document)) throw new TareError(`read ${file}: it is no object`);
  const { runtimes = {}, 'default-runtime': usual } = document;
  if (!isNode(runtimes)) throw new TareError(`read ${file}: "runtimes" is no object`);
  return { runtimes, usual };
}

/** @param value `undefined` removes it */
function put(text: string, path: JSONPath, value: unknown): string {
  const tabs = /^\t/m.test(text);
  const tabSize = /^( +)"/m.exec(text)?.[1]?.length ?? 2;
  const formattingOptions = { insertSpaces: !tabs, tabSize, eol: '\n' };
  return applyEdits(text, modify(text, path, value, { formattingOptions }));
}

function add(before: string | undefined, runtime: string, isDefault: boolean): string {
  const text = before === undefined || before.trim() === '' ? '{}\n' : before;
  const { runtimes, usual } = read(text);
  const known = runtimes[runtimeName];
  const named =
    isNode(known) && known.path === runtime ? text : put(text, ['runtimes', runtimeName], { path: runtime });
  if (!isDefault || usual === runtimeName) return named;
  if (usual === undefined) return put(named, ['default-runtime'], runtimeName);
  throw new TareError(`make ${runtimeName} the default runtime in ${file}: it is ${JSON.stringify(usual)} already`, {
    hint: 'remove "default-runtime" there first',
  });
}

function remove(before: string): string | undefined {
  const { runtimes, usual } = read(before);
  const others = Object.keys(runtimes).filter((name) => name !== runtimeName);
  let text = before;
  if (Object.hasOwn(runtimes, runtimeName))
    text = put(text, others.length > 0 ? ['runtimes', runtimeName] : ['runtimes'], undefined);
  if (usual === runtimeName) text = put(text, ['default-runtime'], undefined);
  const left: unknown = parse(text);
  return text !== before && isNode(left) && Object.keys(left).length === 0 ? undefined : text;
}

export const docker: HookUp = {
  file,
  add: (before, { runtime, isDefault }) => add(before, runtime, isDefault),
  remove,
  reload: 'systemctl reload docker',
  use: [`docker run --runtime ${runtimeName} --rm IMAGE`],
};

/** A service's tasks have no say in it: they take the default runtime of the node that they are on. */
export const swarm: HookUp = {
  file,
  add: (before, { runtime }) => add(before, runtime, true),
  remove,
  reload: 'systemctl reload docker',
  use: ['on every node the same'],
};
