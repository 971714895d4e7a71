/** What is around the command, and what a virtual machine is made of. */
import { isolationKinds } from '../../isolation/isolation.ts';
import { deviceModels, machineTypes } from '../../vm/machine.ts';
import { acceleratorChoices, networkChoices } from '../../vm/request.ts';
import { type Flag, type Form, type Landing, landing } from '../flag.ts';
import { cpus, integer, size } from '../forms/numbers.ts';
import { hostPath, matching, oneOf } from '../forms/words.ts';
import { limit } from '../landings.ts';
import type { RunCommand } from '../run-command.ts';

type Machine = RunCommand['machine'];

const machine = <K extends keyof Machine>(key: K, form: Form<NonNullable<Machine[K]>>): Landing<RunCommand> =>
  landing(form, (command, value) => {
    command.machine[key] = value;
  });

export const vmFlags: readonly Flag<RunCommand>[] = [
  {
    name: 'isolation',
    value: 'KIND',
    help: 'process, container (the default) or vm.',
    lands: landing(oneOf(...isolationKinds), (command, kind) => {
      command.isolation = kind;
    }),
  },
  {
    name: 'accel',
    value: 'ACCEL',
    help: 'kvm, tcg or auto (the default): KVM where it works.',
    lands: machine('accelerator', oneOf(...acceleratorChoices)),
  },
  {
    name: 'machine',
    value: 'TYPE',
    help: 'microvm (the default), q35 or pc.',
    lands: machine('machine', oneOf(...machineTypes)),
  },
  {
    name: 'devices',
    value: 'MODEL',
    help: 'virtio (the default) or emulated.',
    lands: machine('devices', oneOf(...deviceModels)),
  },
  {
    name: 'kernel',
    value: 'FILE',
    help: "A bzImage or ELF file in place of Debian's.",
    lands: machine('kernel', hostPath),
  },
  {
    name: 'from-snapshot',
    value: 'NAME',
    help: 'Resume what tare vm snapshot has kept.',
    lands: machine('fromSnapshot', matching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/, 'the name of a snapshot')),
  },
  {
    name: 'boot-timeout',
    value: 'SECONDS',
    help: 'How long a boot may take; 60 otherwise.',
    lands: machine('bootTimeout', integer({ min: 1, max: 3600 }, 'whole seconds, from 1 to 3600')),
  },
];

const notToLookAt = new Set(['isolation', 'from-snapshot']);

/** Of `tare vm inspect`: nothing is run in the machine but a look at it. */
export const lookFlags: readonly Flag<RunCommand>[] = [
  ...vmFlags.filter(({ name }) => !notToLookAt.has(name)),
  {
    name: 'network',
    value: 'NET',
    help: 'user (the default) or none.',
    lands: machine('network', oneOf(...networkChoices)),
  },
  { name: 'memory', short: 'm', value: 'SIZE', help: "The guest's; 256m otherwise.", lands: limit('memory', size) },
  { name: 'cpus', value: 'NUMBER', help: "The guest's; 1 otherwise.", lands: limit('cpus', cpus) },
];
