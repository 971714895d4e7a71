/** Whom `tare weigh` can weigh tare against, by the names that it has for them. */
import { onPath } from '../../linux/host.ts';
import type { Machine } from '../machine.ts';
import { type Finding, info, type Probe, yes } from '../probe.ts';

/** Backends, the program of each, and Debian's package of that. */
const programs = [
  ['unshare', 'unshare', 'util-linux'],
  ['bwrap', 'bwrap', 'bubblewrap'],
  ['crun', 'crun', 'crun'],
  ['runc', 'runc', 'runc'],
  ['lxc', 'lxc-execute', 'lxc'],
  ['systemd-nspawn', 'systemd-nspawn', 'systemd-container'],
  ['podman', 'podman', 'podman'],
  ['containerd', 'ctr', 'containerd'],
  ['docker', 'dockerd', 'docker.io'],
] as const;

const peer = (name: string, program: string): Probe => ({
  name,
  purpose: 'a backend of tare weigh',
  lost: '',
  cure: '',
  examine: (machine) => version(machine, program),
});

async function version({ trials, env }: Machine, program: string): Promise<Finding> {
  const path = onPath(program);
  if (path === undefined) return info('not installed');
  const kept = ['PATH', 'HOME', 'XDG_RUNTIME_DIR'].flatMap((name) =>
    env[name] === undefined ? [] : [`${name}=${env[name]}`],
  );
  const { text } = await trials().output([path, '--version'], kept);
  return yes(`${findVersion(text) ?? 'of an unknown version'}, ${path}`);
}

/** The first thing that looks like a version: `1.1.5+ds1` of `runc version 1.1.5+ds1`. */
export const findVersion = (text: string): string | undefined => /\d+\.\d+[^\s,]*/.exec(text)?.[0];

/** One line to be typed, and no more. */
const others: Probe = {
  name: 'the others',
  purpose: 'all backends of tare weigh',
  lost: '',
  cure: '',
  examine: () => {
    const missing = programs.filter(([, program]) => onPath(program) === undefined);
    if (missing.length === 0) return yes('none is missing');
    return info(`apt-get install ${missing.map(([, , debianPackage]) => debianPackage).join(' ')}`);
  },
};

export const peers: readonly Probe[] = [...programs.map(([name, program]) => peer(name, program)), others];
