/**
 * An image's name → the image.
 *
 * `busybox` (made at set-up), `host` (this machine's own root, read-only), `dir:PATH` (a directory, read-only), `oci:PATH`
 * (an OCI bundle: `config.json` and its root, which is written to as the spec says).
 */
import { readFileSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TareError } from '../errors.ts';
import { builtFile } from '../linux/native.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import { isBind } from '../spec/mount-options.ts';
import type { Spec } from '../spec/spec.ts';
import { checkSpec } from '../spec/validate.ts';
import type { Image } from './image.ts';
import { ownCopy } from './own-copy.ts';

const forms = 'busybox, host, dir:PATH or oci:PATH';
const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const plain: ImageConfig = { env: [path], cmd: ['sh'] };

export function resolveImage(reference: string): Image {
  const [scheme, rest] = splitReference(reference);
  switch (scheme) {
    case 'busybox':
      return busybox();
    case 'host':
      return { reference, config: plain, root: { kind: 'overlay', lower: ['/'] } };
    case 'dir':
      return { reference, config: plain, root: { kind: 'overlay', lower: [directory(reference, rest)] } };
    case 'oci':
      return bundle(reference, directory(reference, rest));
    default:
      throw new TareError(`find the image ${JSON.stringify(reference)}`, {
        errno: 'ENOENT',
        hint: `an image is ${forms}`,
      });
  }
}

function splitReference(reference: string): [scheme: string, rest: string] {
  const colon = reference.indexOf(':');
  return colon < 0 ? [reference, ''] : [reference.slice(0, colon), reference.slice(colon + 1)];
}

function directory(reference: string, given: string): string {
  if (given === '')
    throw new TareError(`find the image ${reference}`, { hint: `name a directory: an image is ${forms}` });
  const absolute = resolve(given);
  const found = look(absolute, reference);
  if (found === undefined)
    throw new TareError(`find the image ${reference}`, { errno: 'ENOENT', hint: `${absolute} does not exist` });
  if (!found.isDirectory())
    throw new TareError(`find the image ${reference}`, { errno: 'ENOTDIR', hint: `${absolute} is not a directory` });
  return absolute;
}

function look(path: string, reference: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new TareError(`find the image ${reference}: look at ${path}`, {
      errno: (cause as NodeJS.ErrnoException).code,
      cause,
    });
  }
}

function busybox(): Image {
  const home = ownCopy(builtFile('images/busybox'), 'config.json');
  return {
    reference: 'busybox',
    config: configOf(readJson(join(home, 'config.json'), 'the image busybox')),
    root: { kind: 'overlay', lower: [join(home, 'rootfs')] },
  };
}

/** The part of the OCI image-spec's configuration that containers are made of: config.md, "Properties". */
function configOf(document: unknown): ImageConfig {
  const { config } = document as { config?: Record<string, unknown> };
  return {
    env: config?.Env as string[] | undefined,
    entrypoint: config?.Entrypoint as string[] | undefined,
    cmd: config?.Cmd as string[] | undefined,
    workingDir: config?.WorkingDir as string | undefined,
    user: config?.User as string | undefined,
  };
}

/**
 * A directory with a `config.json` and a root.
 *
 * @param adapt what becomes of the document before it is checked
 */
export function resolveBundle(home: string, adapt: (document: unknown) => unknown): Image {
  return bundle(home, resolve(home), adapt);
}

function bundle(reference: string, home: string, adapt = (document: unknown): unknown => document): Image {
  const { root, spec } = bundleOf(home, adapt(readJson(join(home, 'config.json'), `the bundle ${reference}`)));
  directory(reference, root);
  return { reference, config: {}, root: { kind: 'directory', path: root }, spec, bundle: home };
}

/** Of a bundle's document, with absolute paths: the root, and the spec. Looks at nothing else. */
export function bundleOf(home: string, document: unknown): { readonly root: string; readonly spec: Spec } {
  const spec = checkSpec(document);
  const mounts = spec.mounts?.map((mount) =>
    isBind(mount) ? { ...mount, source: resolve(home, mount.source ?? '') } : mount,
  );
  return { root: resolve(home, spec.root.path), spec: { ...spec, mounts } };
}

function readJson(file: string, of: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TareError(`read ${file} of ${of}`, { errno: (cause as NodeJS.ErrnoException).code, cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TareError(`read ${file} of ${of}`, { hint: `it is not JSON: ${(cause as Error).message}`, cause });
  }
}
