/** Which files a kernel's module needs loaded, and in which order. What depmod(8) would find out is in the modules themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { TareError } from '../errors.ts';
import { section } from './elf.ts';

/** The modules of a kernel, by the names that lsmod(8) shows. */
export interface ModuleIndex {
  /** Part of the kernel itself. */
  readonly builtin: readonly string[];
  /** `file` from the directory of the modules; `needs` are those to be loaded before. */
  readonly modules: Readonly<Record<string, { readonly file: string; readonly needs: readonly string[] }>>;
}

/** `virtio-rng` and `virtio_rng` are the same module. */
const plain = (name: string): string => name.replaceAll('-', '_');
const nameOf = (file: string): string => plain(file.replace(/^.*\//, '').replace(/\.ko$/, ''));

/**
 * Looks into every module under a directory such as `/lib/modules/6.1.0-18-cloud-amd64`.
 *
 * @throws node's error where the directory cannot be read
 */
export function indexModules(dir: string): ModuleIndex {
  const builtin = readFileSync(join(dir, 'modules.builtin'), 'utf8').split('\n').filter(Boolean).map(nameOf);
  const files = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ko'))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  const facts = files.map((file): [string, ModuleFacts] => [file, factsOf(readFileSync(join(dir, file)))]);
  return { builtin, modules: connect(new Map(facts.map(([file, found]) => [nameOf(file), { file, ...found }]))) };
}

/** What a module's file says: its section .modinfo, fields with NUL between them. */
export interface ModuleFacts {
  /** `depends=virtio,virtio_ring` */
  readonly depends: readonly string[];
  /** `softdep=pre: crc32c`: loaded before, if there is one; a name or an alias. */
  readonly before: readonly string[];
  /** `alias=crypto-crc32c`, but for patterns. */
  readonly aliases: readonly string[];
}

export function factsOf(module: Buffer): ModuleFacts {
  const fields = (section(module, '.modinfo')?.toString('latin1') ?? '').split('\0');
  const values = (key: string): string[] =>
    fields.filter((field) => field.startsWith(`${key}=`)).map((field) => field.slice(key.length + 1));
  const soft = values('softdep').flatMap((list) => /pre:([^:]*)(?:\s+post:|$)/.exec(list)?.[1]?.split(/\s+/) ?? []);
  const clean = (names: readonly string[]): string[] => [...new Set(names.filter(Boolean).map(plain))];
  return {
    depends: clean(values('depends').flatMap((list) => list.split(','))),
    before: clean(soft),
    aliases: clean(values('alias').filter((alias) => !alias.includes('*'))),
  };
}

/** Aliases are followed now: of several modules that provide the same, the generic one runs on every processor. */
export function connect(found: ReadonlyMap<string, ModuleFacts & { readonly file: string }>): ModuleIndex['modules'] {
  const providers = new Map<string, string>();
  for (const [name, { aliases }] of [...found].sort(([a], [b]) => Number(isGeneric(b)) - Number(isGeneric(a))))
    for (const alias of aliases) if (!providers.has(alias)) providers.set(alias, name);
  return Object.fromEntries(
    [...found].map(([name, { file, depends, before }]) => {
      const soft = before.map((wanted) => (found.has(wanted) ? wanted : (providers.get(wanted) ?? wanted)));
      return [name, { file, needs: [...new Set([...soft, ...depends])] }];
    }),
  );
}

const isGeneric = (name: string): boolean => name.endsWith('_generic');

/**
 * The files to load for these modules, each after those it needs; what is built in needs no loading.
 *
 * @throws {@link TareError} that names all modules which this kernel does not have
 */
export function loadOrder(index: ModuleIndex, wanted: readonly string[], release: string): string[] {
  const builtin = new Set(index.builtin);
  const missing = new Set<string>();
  const seen = new Set<string>();
  const order: string[] = [];
  const visit = (name: string, by: string | undefined): void => {
    if (builtin.has(name) || seen.has(name)) return;
    seen.add(name);
    const found = index.modules[name];
    if (found === undefined) {
      // Others may provide what is needed softly under another name: the kernel then does without.
      if (by === undefined) missing.add(name);
      return;
    }
    for (const needed of found.needs) visit(needed, name);
    order.push(found.file);
  };
  for (const name of wanted) visit(plain(name), undefined);
  if (missing.size > 0) {
    throw new TareError(`load ${[...missing].join(', ')} in a machine with Linux ${release}`, {
      errno: 'ENOENT',
      hint: 'this kernel has no such module: choose another with --kernel',
    });
  }
  return order;
}
