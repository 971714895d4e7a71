/** Who can be weighed, in the order in which a report shows them. A new one is a file in `backends/` and a line here. */
import { bareProcess } from './backends/process.ts';
import { bwrap } from './backends/bwrap.ts';
import { containerd } from './backends/containerd.ts';
import { crun } from './backends/crun.ts';
import { docker } from './backends/docker.ts';
import { lxc } from './backends/lxc.ts';
import { microvm } from './backends/microvm.ts';
import { microvmSnapshot } from './backends/microvm-snapshot.ts';
import { podman } from './backends/podman.ts';
import { q35 } from './backends/q35.ts';
import { q35Emulated } from './backends/q35-emulated.ts';
import { runc } from './backends/runc.ts';
import { systemdNspawn } from './backends/systemd-nspawn.ts';
import { tare } from './backends/tare.ts';
import { tareCli } from './backends/tare-cli.ts';
import { unshare } from './backends/unshare.ts';
import type { Backend } from './types/backend.ts';

export const backends: readonly Backend[] = [
  bareProcess,
  unshare,
  bwrap,
  tare,
  tareCli,
  crun,
  runc,
  lxc,
  systemdNspawn,
  podman,
  containerd,
  docker,
  ...microvm,
  ...q35,
  ...q35Emulated,
  microvmSnapshot,
];
