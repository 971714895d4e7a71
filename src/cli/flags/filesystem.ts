import type { Flag } from '../flag.ts';
import { device } from '../forms/devices.ts';
import { mount, tmpfs, volume } from '../forms/mounts.ts';
import { hostPath, truth } from '../forms/words.ts';
import { append, set } from '../landings.ts';
import type { RunCommand } from '../run-command.ts';

export const filesystemFlags: readonly Flag<RunCommand>[] = [
  {
    name: 'volume',
    short: 'v',
    value: 'SRC:DST[:OPTS]',
    repeats: 'always',
    help: 'Show SRC at DST; with ro, read-only.',
    lands: append('mounts', volume),
  },
  {
    name: 'mount',
    value: 'KEY=VALUE,...',
    repeats: 'always',
    help: 'The same by keys: type=bind or tmpfs, source, target, readonly.',
    lands: append('mounts', mount),
  },
  {
    name: 'tmpfs',
    value: 'DST[:OPTS]',
    repeats: 'always',
    help: 'Put a filesystem in memory at DST.',
    lands: append('mounts', tmpfs),
  },
  { name: 'upper', value: 'DIR', help: 'Keep here what the container writes.', lands: set('upper', hostPath) },
  { name: 'read-only', help: 'Make the root read-only.', lands: set('readOnly', truth) },
  {
    name: 'device',
    value: 'SRC[:DST][:rwm]',
    repeats: 'always',
    help: 'Show and allow a device of this machine.',
    lands: append('devices', device),
  },
];
