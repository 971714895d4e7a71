/**
 * containerd-config.toml(5). No writer of TOML keeps comments, so the file is read as TOML, and what we have to say
 * stands in lines of our own at its end; that the whole is still TOML is seen before it is written.
 */
import { parse, type TomlTable } from 'smol-toml';
import { TareError } from '../../errors.ts';
import { quoted } from '../drop-in.ts';
import { type HookUp, runtimeName, type Wish } from '../hook-up.ts';

const file = '/etc/containerd/config.toml';
const begin = '# tare oci install: begin';
const end = '# tare oci install: end';
const ours = new RegExp(`\\n?${begin}\\n[^]*?${end}\\n?`);

/** The part that serves Kubernetes, by the version of the file. */
const plugins: Readonly<Record<number, string>> = { 2: 'io.containerd.grpc.v1.cri', 3: 'io.containerd.cri.v1.runtime' };

function read(text: string): TomlTable {
  try {
    return parse(text);
  } catch (cause) {
    throw new TareError(`read ${file}: ${firstLine(cause)}`, { hint: 'it has to be TOML', cause });
  }
}

const firstLine = (error: unknown): string => (error as Error).message.split('\n')[0] ?? '';

const isTable = (value: unknown): value is TomlTable => typeof value === 'object' && value !== null;

const at = (table: TomlTable, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => (isTable(value) ? value[key] : undefined), table);

function pluginOf(document: TomlTable, isNew: boolean): string {
  const version = isNew ? 2 : Number(document.version ?? 1);
  const plugin = plugins[version];
  if (plugin !== undefined) return plugin;
  throw new TareError(`edit ${file}: it is of version ${version}, not 2 or 3`, {
    hint: 'containerd config migrate prints it in a newer one',
  });
}

function add(before: string | undefined, wish: Wish): string {
  const text = without(before ?? '');
  const isNew = text.trim() === '';
  const document = read(text);
  const plugin = pluginOf(document, isNew);
  const after = `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${block(document, plugin, isNew, wish)}`;
  try {
    parse(after);
    return after;
  } catch (cause) {
    if (isTable(at(document, 'plugins', plugin, 'containerd', 'runtimes', runtimeName)))
      throw new TareError(`edit ${file}: it has a runtime ${runtimeName} that we have not written`, {
        hint: 'remove that first',
        cause,
      });
    const table = `[plugins.${quoted(plugin)}.containerd]`;
    throw new TareError(`edit ${file}: ${firstLine(cause)}`, {
      hint: wish.isDefault
        ? `without --default, and write default_runtime_name = ${quoted(runtimeName)} into ${table}`
        : 'write its tables as [plugins.…], not within braces',
      cause,
    });
  }
}

function block(
  document: TomlTable,
  plugin: string,
  isNew: boolean,
  { runtime, isDefault, systemdCgroup }: Wish,
): string {
  const containerd = `plugins.${quoted(plugin)}.containerd`;
  const runc = at(document, 'plugins', plugin, 'containerd', 'runtimes', 'runc', 'options', 'SystemdCgroup');
  return [
    begin,
    ...(isNew ? ['version = 2', ''] : []),
    ...(isDefault ? [`[${containerd}]`, `default_runtime_name = ${quoted(runtimeName)}`, ''] : []),
    `[${containerd}.runtimes.${runtimeName}]`,
    'runtime_type = "io.containerd.runc.v2"',
    '',
    `[${containerd}.runtimes.${runtimeName}.options]`,
    `BinaryName = ${quoted(runtime)}`,
    `SystemdCgroup = ${systemdCgroup ?? runc === true}`,
    end,
    '',
  ].join('\n');
}

const without = (text: string): string => text.replace(ours, (found) => (found.startsWith('\n') ? '\n' : ''));

export const containerd: HookUp = {
  file,
  add,
  remove: (before) => {
    read(before);
    const after = without(before);
    return after.trim() === '' && after !== before ? undefined : after;
  },
  reload: 'systemctl restart containerd',
  use: ['tare oci install --for kubernetes'],
};
