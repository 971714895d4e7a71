import { absolutePath, flag, integer, listOf, mapOf, objectOf, path, required, text } from '../shape.ts';
import type { Hook, Hooks, Mount, Root, Spec } from '../spec.ts';
import { idMaps, linux } from './linux.ts';
import { process, variables } from './process.ts';

const mount = objectOf<Mount>({
  destination: required(absolutePath),
  type: text,
  source: path,
  options: listOf(text),
  uidMappings: idMaps,
  gidMappings: idMaps,
});

const hooksOf = listOf(
  objectOf<Hook>({
    path: required(absolutePath),
    args: listOf(text),
    env: variables,
    timeout: integer(1, 2 ** 31 - 1),
  }),
);

const hooks = objectOf<Hooks>({
  prestart: hooksOf,
  createRuntime: hooksOf,
  createContainer: hooksOf,
  startContainer: hooksOf,
  poststart: hooksOf,
  poststop: hooksOf,
});

const elsewhere = (system: string): string => `describes a container of ${system}: tare makes those of linux`;

/** The whole of `config.json`. */
export const document = objectOf<Spec>(
  {
    ociVersion: required(text),
    root: required(objectOf<Root>({ path: required(path), readonly: flag })),
    mounts: listOf(mount),
    process: required(process),
    hostname: text,
    domainname: text,
    hooks,
    annotations: mapOf(text),
    linux,
  },
  {
    solaris: elsewhere('solaris'),
    windows: elsewhere('windows'),
    vm: elsewhere('a virtual machine'),
    zos: elsewhere('z/OS'),
    freebsd: elsewhere('freebsd'),
  },
);
