/** The registry of engines: a new one is a file and a line here. */
import type { EngineName, HookUp } from './hook-up.ts';
import { containerd } from './engines/containerd.ts';
import { crio } from './engines/cri-o.ts';
import { docker, swarm } from './engines/docker.ts';
import { kubernetes } from './engines/kubernetes.ts';
import { podman } from './engines/podman.ts';

/** @param containers directory of containers.conf(5) */
export const engines = (containers: string): Readonly<Record<EngineName, HookUp>> => ({
  podman: podman(containers),
  docker,
  containerd,
  'cri-o': crio,
  kubernetes,
  swarm,
});
