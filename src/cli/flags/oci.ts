/** What `tare oci install` and `tare oci uninstall` ask for. */
import { type EngineName, engineNames } from '../../hookup/hook-up.ts';
import { type Flag, type FlagGroup, landing } from '../flag.ts';
import { hostPath, oneOf, truth } from '../forms/words.ts';
import { turn } from '../landings.ts';
import { helpFlag } from './other.ts';

export interface OciDraft {
  engine?: EngineName;
  runtime?: string;
  root: string;
  isDefault: boolean;
  systemdCgroup?: boolean;
  dryRun: boolean;
  undo: boolean;
  help: boolean;
}

const flags: readonly Flag<OciDraft>[] = [
  {
    name: 'for',
    value: 'ENGINE',
    help: `${engineNames.slice(0, -1).join(', ')} or ${engineNames.at(-1)}.`,
    lands: landing(oneOf(...engineNames), (draft, engine) => {
      draft.engine = engine;
    }),
  },
  {
    name: 'default',
    help: 'Use it where a container does not say which; swarm always does.',
    lands: turn('isDefault'),
  },
  {
    name: 'systemd-cgroup',
    help: "containerd: leave cgroups to systemd; as runc's otherwise.",
    lands: landing(truth, (draft, value) => {
      draft.systemdCgroup = value;
    }),
  },
  {
    name: 'runtime',
    value: 'FILE',
    help: 'Another tare-oci than the one beside this command.',
    lands: landing(hostPath, (draft, path) => {
      draft.runtime = path;
    }),
  },
  {
    name: 'root',
    value: 'DIR',
    help: 'Take this directory for /: of an image, say.',
    lands: landing(hostPath, (draft, path) => {
      draft.root = path;
    }),
  },
  { name: 'dry-run', help: 'Show what would be changed, and change nothing.', lands: turn('dryRun') },
  { name: 'undo', help: 'install --undo is uninstall.', lands: turn('undo') },
  helpFlag,
];

export const ociFlags: readonly FlagGroup<OciDraft>[] = [{ title: 'Engines', flags }];
