/** The job's root as an image that docker, podman and containerd load: the form that `docker save` writes. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { TareError } from '../errors.ts';
import type { Job, Site } from './types/backend.ts';

type Rooted = Pick<Job, 'root'>;

/** A job's root, as these call it. */
export const imageName = ({ root }: Rooted): string => `localhost/tare-weigh:${tagOf(root)}`;

const tagOf = (root: string): string => createHash('sha256').update(root).digest('hex').slice(0, 12);

/** What a peer leaves once it has loaded the job's image. */
export const loadedMark = ({ root }: Job, { disk }: Site): string => join(disk, `loaded-${tagOf(root)}`);

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * The archive's path, made when it is first asked for.
 * @see https://github.com/moby/docker-image-spec/blob/v1.2.0/v1.2.md#combined-image-json--filesystem-changeset-format
 */
export async function imageArchive(job: Rooted, { disk }: Pick<Site, 'disk'>): Promise<string> {
  const { root } = job;
  if (root === '/') throw new TareError('make an image of the host’s own root', { hint: 'name another with --image' });
  const archive = join(disk, `${tagOf(root)}.tar`);
  if (existsSync(archive)) return archive;
  const parts = join(disk, 'image');
  mkdirSync(parts, { recursive: true });
  await tar(join(parts, 'layer.tar'), root, ['.']);
  const config = {
    architecture: architectures[process.arch] ?? process.arch,
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: {},
    rootfs: { type: 'layers', diff_ids: [`sha256:${await hashOf(join(parts, 'layer.tar'))}`] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'tare weigh' }],
  };
  const manifest = [{ Config: 'config.json', RepoTags: [imageName(job)], Layers: ['layer.tar'] }];
  writeFileSync(join(parts, 'config.json'), JSON.stringify(config));
  writeFileSync(join(parts, 'manifest.json'), JSON.stringify(manifest));
  await tar(archive, parts, ['manifest.json', 'config.json', 'layer.tar']);
  rmSync(parts, { recursive: true });
  return archive;
}

async function tar(archive: string, directory: string, names: readonly string[]): Promise<void> {
  try {
    await execa('tar', ['--create', '--numeric-owner', '--file', archive, '--directory', directory, ...names]);
  } catch (cause) {
    throw new TareError(`make an archive of ${directory}`, { hint: (cause as Error).message, cause });
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
