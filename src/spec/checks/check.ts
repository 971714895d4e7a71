import type { Problem } from '../problem.ts';
import type { NamespaceKind } from '../request.ts';
import type { Sound } from '../shape.ts';
import type { Namespace, Spec } from '../spec.ts';

/** A rule that shapes cannot state, because it looks at several fields or at what the kernel makes of one. */
export interface Check {
  /** What holds in a good spec, as a sentence. */
  readonly name: string;
  /** JSON pointer of the part it is about. */
  readonly path: string;
  /** Sees the sound parts only: a fault that a shape reported is not reported again. */
  readonly rule: (spec: Sound<Spec>) => Iterable<Problem>;
}

export const check = (name: string, path: string, rule: Check['rule']): Check => ({ name, path, rule });

/** The sound items of a list with their places in it. */
export function* numbered<T>(list: readonly (T | undefined)[] | undefined): Generator<[number, T]> {
  for (const [index, item] of (list ?? []).entries()) if (item !== undefined) yield [index, item];
}

/** The sound entries of a map. */
export function* named<T>(map: Readonly<Record<string, T | undefined>> | undefined): Generator<[string, T]> {
  for (const [name, item] of Object.entries(map ?? {})) if (item !== undefined) yield [name, item];
}

/** The items that an earlier one of the list repeats, with their places. */
export function* repeated<T>(
  list: readonly (T | undefined)[] | undefined,
  key: (item: T) => unknown,
): Generator<[number, T]> {
  const seen = new Set<unknown>();
  for (const [index, item] of numbered(list)) {
    const value = key(item);
    if (value !== undefined && seen.has(value)) yield [index, item];
    seen.add(value);
  }
}

/** The container's namespace of a kind; undefined where it has the host's. */
export function namespaceOf(spec: Sound<Spec>, kind: NamespaceKind): Sound<Namespace> | undefined {
  return spec.linux?.namespaces?.find((each) => each?.type === kind);
}

/** Whether the container gets a new namespace of a kind, and neither joins one nor shares the host's. */
export function isNew(spec: Sound<Spec>, kind: NamespaceKind): boolean {
  const namespace = namespaceOf(spec, kind);
  return namespace !== undefined && namespace.path === undefined;
}
