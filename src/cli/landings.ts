/** Where values go: the fields of a `RunRequest`, and of the command around it. */
import type { Limits, NamespaceKind, RunRequest } from '../spec/request.ts';
import { type Form, landing, type Landing } from './flag.ts';
import { namespaceChoice } from './forms/namespaces.ts';
import { pair, truth } from './forms/words.ts';
import type { RunCommand } from './run-command.ts';

type ListKey =
  'env' | 'groupAdd' | 'mounts' | 'devices' | 'ulimits' | 'capAdd' | 'capDrop' | 'uidMappings' | 'gidMappings';
type Item<K extends ListKey> = NonNullable<RunRequest[K]>[number];

export const set = <K extends keyof RunRequest>(key: K, form: Form<NonNullable<RunRequest[K]>>): Landing<RunCommand> =>
  landing(form, ({ request }, value) => {
    request[key] = value;
  });

export const append = <K extends ListKey>(key: K, form: Form<Item<K>>): Landing<RunCommand> =>
  landing(form, ({ request }, value) => {
    const before: readonly unknown[] = request[key] ?? [];
    Object.assign(request, { [key]: [...before, value] });
  });

export const limit = <K extends keyof Limits>(key: K, form: Form<NonNullable<Limits[K]>>): Landing<RunCommand> =>
  landing(form, ({ request }, value) => {
    request.limits = { ...request.limits, [key]: value };
  });

/** One `KEY=VALUE` of a map. */
export const entry = (key: 'sysctl' | 'annotations', expects: string): Landing<RunCommand> =>
  landing(pair(expects), ({ request }, [name, value]) => {
    request[key] = { ...request[key], [name]: value };
  });

export const namespace = (kind: NamespaceKind, own = 'private'): Landing<RunCommand> =>
  landing(namespaceChoice(own), ({ request }, choice) => {
    request.namespaces = { ...request.namespaces, [kind]: choice };
  });

export const turn = <K extends string>(key: K): Landing<Record<K, boolean>> =>
  landing(truth, (command, value) => {
    command[key] = value;
  });
