/** bwrap, asked for as much of the same as it knows: no cgroup, no overlay, no masked paths, no sysctls. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Candidate } from '../peer.ts';
import { prepareWorkload } from '../workload.ts';
import { demand } from './oci.ts';
import { buildDirectory, timeCommand } from './stopwatch.ts';

const filterFd = 9;

export const bubblewrap: Candidate = {
  name: 'bwrap',
  async open() {
    demand('bwrap');
    const { engine, prepared } = await prepareWorkload('bench-bwrap');
    const { image, spec } = prepared;
    const root = image.root.kind === 'overlay' ? (image.root.lower[0] ?? '/') : image.root.path;
    const { capabilities, args } = spec.process;
    const options = [
      ...['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup'],
      ...['--as-pid-1', '--die-with-parent', '--new-session', '--hostname', 'bench-bwrap'],
      ...['--ro-bind', root, '/', '--proc', '/proc', '--dev', '/dev', '--mqueue', '/dev/mqueue'],
      ...['--ro-bind', '/sys', '/sys', '--cap-drop', 'ALL'],
      ...(capabilities?.bounding ?? []).flatMap((name) => ['--cap-add', name]),
    ];
    const seccomp = spec.linux?.seccomp;
    if (seccomp === undefined) return timeCommand(['bwrap', ...options, '--', ...args]);
    mkdirSync(buildDirectory, { recursive: true });
    const filter = join(buildDirectory, 'filter.bpf');
    writeFileSync(filter, engine.seccompFilter(seccomp).bpf);
    return timeCommand(['bwrap', ...options, '--seccomp', String(filterFd), '--', ...args], {
      files: { [filterFd]: filter },
    });
  },
};
