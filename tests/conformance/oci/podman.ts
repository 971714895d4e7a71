/** podman in a realm, told of tare-oci by `tare oci install`, with busybox as its only image. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { needs } from '../../kernel/needs.ts';
import type { Called } from './call.ts';
import { busyboxRoot, checkout, type Realm } from './realm.ts';

/** Whether this machine can start one. */
export const podmanRuns = needs(
  ...(['root', 'busybox', 'overlay', 'cgroup2'] as const),
  ...(['tool:podman', 'tool:conmon', 'tool:ip', 'tool:nsenter'] as const),
);

/** `containers.conf`. */
export const settings = (...more: readonly string[]): string[] => [
  '[containers]',
  ...more,
  'default_ulimits=["nofile=1024:1024","nproc=1024:1024"]',
  '[engine]',
  'cgroup_manager="cgroupfs"',
  'events_logger="file"',
];

export function makeStorage(directory: string): void {
  const storage = ['[storage]', 'driver="vfs"', `graphroot="${directory}/graph"`, `runroot="${directory}/run"`];
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/storage.conf`, storage.join('\n'));
}

export type Podman = (...words: string[]) => Called;

/** Root's. */
export async function openPodman(realm: Realm, ...more: readonly string[]): Promise<Podman> {
  await realm.open();
  chmodSync(realm.place, 0o755);
  makeStorage(realm.at('root'));
  const install = `${checkout}/bin/tare oci install --for podman --default`;
  const subordinate = 'echo containers:3000000:65536 >>/etc/subuid; echo containers:3000000:65536 >>/etc/subgid';
  const set = `mkdir -p /etc/containers && printf '%s\\n' "$@" >/etc/containers/containers.conf && ${install} && ${subordinate}`;
  expect(realm.call('sh', '-c', set, 'sh', ...settings(...more))).toMatchObject({ status: 0 });
  spawnSync('tar', ['-C', busyboxRoot, '-cf', realm.at('image.tar'), '.']);
  const storage = `CONTAINERS_STORAGE_CONF=${realm.at('root')}/storage.conf`;
  const podman: Podman = (...words) => realm.call('env', storage, 'podman', ...words);
  expect(podman('import', realm.at('image.tar'), 'busybox')).toMatchObject({ status: 0 });
  return podman;
}
