import { type Flag, landing } from '../flag.ts';
import { capability, securityOption } from '../forms/security.ts';
import { truth } from '../forms/words.ts';
import { append, set } from '../landings.ts';
import type { RunCommand } from '../run-command.ts';

export const securityFlags: readonly Flag<RunCommand>[] = [
  {
    name: 'cap-add',
    value: 'CAPABILITY',
    repeats: 'always',
    help: 'Add a capability: NET_ADMIN, or ALL.',
    lands: append('capAdd', capability),
  },
  {
    name: 'cap-drop',
    value: 'CAPABILITY',
    repeats: 'always',
    help: 'Take one away, or ALL.',
    lands: append('capDrop', capability),
  },
  {
    name: 'privileged',
    help: 'All capabilities and devices, no seccomp.',
    lands: set('privileged', truth),
  },
  {
    name: 'security-opt',
    value: 'OPTION',
    repeats: 'keys',
    help: 'no-new-privileges, seccomp=FILE|unconfined, apparmor=PROFILE, label=LABEL, systempaths=unconfined.',
    lands: landing(securityOption, ({ request }, options) => Object.assign(request, options)),
  },
];
