/** Other runtimes, to weigh tare against. */
import { onPath } from '../../linux/host.ts';
import type { Machine } from '../machine.ts';
import { type Finding, info, type Probe, yes } from '../probe.ts';

const peer = (program: string, debianPackage: string): Probe => ({
  name: program,
  purpose: 'a peer to weigh tare against',
  lost: '',
  cure: `apt-get install ${debianPackage}`,
  examine: (machine) => version(machine, program, debianPackage),
});

async function version({ trials, env }: Machine, program: string, debianPackage: string): Promise<Finding> {
  const path = onPath(program);
  if (path === undefined) return info(`not installed: apt-get install ${debianPackage}`);
  const kept = ['PATH', 'HOME', 'XDG_RUNTIME_DIR'].flatMap((name) =>
    env[name] === undefined ? [] : [`${name}=${env[name]}`],
  );
  const { text } = await trials().output([path, '--version'], kept);
  return yes(`${findVersion(text) ?? 'of an unknown version'}, ${path}`);
}

/** The first thing that looks like a version: `1.1.5+ds1` of `runc version 1.1.5+ds1`. */
export const findVersion = (text: string): string | undefined => /\d+\.\d+[^\s,]*/.exec(text)?.[0];

export const peers: readonly Probe[] = [
  peer('crun', 'crun'),
  peer('runc', 'runc'),
  peer('bwrap', 'bubblewrap'),
  peer('lxc-execute', 'lxc'),
  peer('systemd-nspawn', 'systemd-container'),
  peer('podman', 'podman'),
  peer('dockerd', 'docker.io'),
  peer('ctr', 'containerd'),
];
