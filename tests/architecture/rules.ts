/**
 * "Who may know whom", as in ARCHITECTURE.md: each rule takes all sources and returns an offence per line,
 * such as `src/launch/compile.ts:3: import … (launch knows no network)`.
 */
import type { Import, Place, Source } from './source.ts';

/** A room knows itself and the rooms on the lines above its own. */
const layers: readonly (readonly string[])[] = [
  ['errors'],
  ['linux'],
  ['spec'],
  ['cgroup'],
  ['launch', 'image', 'network'],
  ['vm'],
  ['container'],
  ['isolation', 'oci'],
  ['doctor'],
  ['index'],
  ['weigh', 'labs', 'studio', 'hookup'],
  ['cli'],
];

/** Like any user, these know the library by its front door. */
const guests = ['labs', 'studio'];

/** Facts arrive as arguments: no files, process, clock or randomness, here and in whatever is imported here. */
const pure = [
  /^src\/spec\//,
  /^src\/launch\/(?!(spawn|child)\.ts$)/,
  /^src\/oci\/(programs|state|container-file|adapt|command-line)\.ts$/,
  /^src\/vm\/(machine|parameters|request)\.ts$/,
  /^src\/vm\/(protocol|initramfs|guest-(devices|network|payload|program)|bzimage|elf|inspection(-text)?|machine-view|firmware|volume-program)\.ts$/,
  /^src\/linux\/platform\.ts$/,
  /^src\/isolation\/unfit\.ts$/,
  /^src\/hookup\/(?!main\.ts$)/,
  /^src\/weigh\/(statistics|compare|report[^/]*)\.ts$/,
  /^src\/weigh\/(report|types)\//,
];
const pureBuiltins = ['node:path', 'node:path/posix', 'node:util', 'node:buffer'];

/** Packages with an owner, and the only places that may import them. */
const owners: readonly { readonly packages: RegExp; readonly places: RegExp; readonly rule: string }[] = [
  {
    packages: /^(ffi-rs|@yuuang\/.*)$/,
    places: /^src\/linux\/native\.ts$/,
    rule: 'only linux/native.ts knows native code',
  },
  {
    packages: /^(node:)?(child_process|cluster|worker_threads)$|^execa$/,
    places: /^src\/(launch\/spawn\.ts|vm\/.*|weigh\/.*|labs\/(command|shell|system)\.ts)$/,
    rule: 'only launch/spawn.ts starts processes',
  },
];

/** Implementations of one interface never meet; only their registry, outside the folder, knows them. */
const families = ['src/network/drivers/', 'src/weigh/backends/', 'src/hookup/engines/'];

const maxLines = 300;

type Rule = (sources: readonly Source[]) => string[];

export const layerOrder: Rule = (sources) =>
  eachImport(sources, (source, { file }) => {
    if (file === undefined) return undefined;
    const [from, to] = [room(source.path), room(file)];
    if (from === to) return undefined;
    if (guests.includes(from) && to !== 'index') return `${from} uses index.ts like any user`;
    const [low, high] = [layer(to), layer(from)];
    if (low < 0) return `no room is called ${to}: give it a layer`;
    if (high < 0) return `no room is called ${from}: give it a layer`;
    return low < high ? undefined : `${from} may not know ${to}`;
  });

export const packageOwners: Rule = (sources) =>
  eachImport(sources, (source, { specifier }) => {
    const owner = owners.find(({ packages }) => packages.test(specifier));
    return owner === undefined || owner.places.test(source.path) ? undefined : owner.rule;
  });

export const separateFamilies: Rule = (sources) =>
  eachImport(sources, (source, { file }) => {
    const family = families.find((folder) => source.path.startsWith(folder));
    return family !== undefined && file?.startsWith(family) === true ? 'siblings never import each other' : undefined;
  });

/** Purity holds for everything that a pure file brings along, so the offence names the way there. */
export const purity: Rule = (sources) => {
  const known = new Map(sources.map((source) => [source.path, source]));
  const seen = new Set<string>();
  const offences: string[] = [];
  const visit = (source: Source, way: string): void => {
    if (seen.has(source.path)) return;
    seen.add(source.path);
    for (const place of source.impurities) offences.push(offence(source, place, `${way} is pure`));
    for (const found of source.imports) {
      if (found.typeOnly) continue;
      const next = found.file === undefined ? undefined : known.get(found.file);
      if (next !== undefined) visit(next, isPure(next.path) ? next.path : `${way} → ${next.path}`);
      else if (isImpureBuiltin(found.specifier)) offences.push(offence(source, found, `${way} is pure`));
    }
  };
  for (const source of sources) if (isPure(source.path)) visit(source, source.path);
  return offences;
};

/**
 * Types count too: two files that need each other's types are one file, or want a third. `import()` does not: a registry
 * loads its entries when they are called for, and an entry may look around in the registry.
 */
export const noCycles: Rule = (sources) => {
  const known = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const offences: string[] = [];
  const visit = (source: Source, path: readonly string[]): void => {
    if (done.has(source.path)) return;
    for (const found of source.imports) {
      const next = found.file === undefined || found.lazy ? undefined : known.get(found.file);
      if (next === undefined) continue;
      const way = [...path, source.path];
      const start = way.indexOf(next.path);
      if (start >= 0) offences.push(offence(source, found, `a cycle: ${[...way.slice(start), next.path].join(' → ')}`));
      else visit(next, way);
    }
    done.add(source.path);
  };
  for (const source of sources) visit(source, []);
  return offences;
};

export const namedExports: Rule = (sources) =>
  sources.flatMap((source) => source.defaultExports.map((place) => offence(source, place, 'export by name')));

/** `tables` are files that hold data, one row a line. */
export const shortFiles = (sources: readonly Source[], tables: readonly string[]): string[] =>
  sources
    .filter(({ path, lines }) => lines > maxLines && !tables.includes(path))
    .map(({ path, lines }) => `${path}: ${lines} lines (${maxLines} at most, unless it is a table)`);

function eachImport(sources: readonly Source[], rule: (source: Source, found: Import) => string | undefined): string[] {
  return sources.flatMap((source) =>
    source.imports.flatMap((found) => {
      const broken = rule(source, found);
      return broken === undefined ? [] : [offence(source, found, broken)];
    }),
  );
}

function offence(source: Source, place: Place, rule: string): string {
  return `${source.path}:${place.line}: ${place.text} (${rule})`;
}

/** `src/linux/abi.ts` → `linux`, `src/index.ts` → `index`. */
function room(path: string): string {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? '';
}

function layer(name: string): number {
  return layers.findIndex((rooms) => rooms.includes(name));
}

function isPure(path: string): boolean {
  return pure.some((pattern) => pattern.test(path));
}

function isImpureBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') && !pureBuiltins.includes(specifier);
}
