/**
 * Every flag of the command line, by verb: parsing and `--help` both read these tables.
 *
 * Names, grammar and meaning are those of docker-run(1) where it has the flag, and otherwise podman-run(1)'s.
 */
import { type FlagGroup, landing } from './flag.ts';
import { filesystemFlags } from './flags/filesystem.ts';
import { namespaceFlags } from './flags/namespaces.ts';
import { lookFlags, vmFlags } from './flags/vm.ts';
import { helpFlag, otherFlags } from './flags/other.ts';
import { processFlags } from './flags/process.ts';
import { resourceFlags } from './flags/resources.ts';
import { securityFlags } from './flags/security.ts';
import { integer } from './forms/numbers.ts';
import { hostPath } from './forms/words.ts';
import { turn } from './landings.ts';
import type {
  DoctorCommand,
  ExplainCommand,
  InspectCommand,
  PruneCommand,
  ListCommand,
  RunCommand,
  StepCommand,
  TraceCommand,
  SweepCommand,
  VersionCommand,
} from './run-command.ts';

export const runFlags: readonly FlagGroup<RunCommand>[] = [
  { title: 'Process', flags: processFlags },
  { title: 'Filesystem', flags: filesystemFlags },
  { title: 'Resources', flags: resourceFlags },
  { title: 'Security', flags: securityFlags },
  { title: 'Namespaces', flags: namespaceFlags },
  { title: 'Isolation', flags: vmFlags },
  { title: 'Other', flags: otherFlags },
];

export const explainFlags: readonly FlagGroup<ExplainCommand>[] = [
  {
    title: 'Output',
    flags: [
      { name: 'json', help: 'Print the program as JSON.', lands: turn('json') },
      { name: 'diff', help: 'Compare two: what only one of them does.', lands: turn('diff') },
    ],
  },
];

export const traceFlags: readonly FlagGroup<TraceCommand>[] = [
  {
    title: 'Output',
    flags: [
      { name: 'json', help: 'Print the times as JSON.', lands: turn('json') },
      {
        name: 'svg',
        value: 'FILE',
        help: 'Draw the waterfall into a file.',
        lands: landing(hostPath, (command, path) => {
          command.svg = path;
        }),
      },
    ],
  },
];

export const stepFlags: readonly FlagGroup<StepCommand>[] = [
  {
    title: 'Output',
    flags: [{ name: 'plain', help: 'No colours, no cursor movements.', lands: turn('plain') }],
  },
];

export const doctorFlags: readonly FlagGroup<DoctorCommand>[] = [
  {
    title: 'Output',
    flags: [{ name: 'json', help: 'Print what was found as JSON.', lands: turn('json') }, helpFlag],
  },
];

export const listFlags: readonly FlagGroup<ListCommand>[] = [
  { title: 'Output', flags: [{ name: 'json', help: 'Print them as JSON.', lands: turn('json') }, helpFlag] },
];

export const inspectFlags: readonly FlagGroup<InspectCommand>[] = [
  { title: 'Machine', flags: lookFlags },
  {
    title: 'Output',
    flags: [{ name: 'json', help: 'Print all that was seen as JSON.', lands: turn('json') }, helpFlag],
  },
];

export const pruneFlags: readonly FlagGroup<PruneCommand>[] = [
  {
    title: 'What goes',
    flags: [
      {
        name: 'unused',
        value: 'DAYS',
        help: 'Only what has not been used for so long.',
        lands: landing(integer({ min: 0, max: 36_500 }, 'a whole number of days'), (command, days) => {
          command.unused = days;
        }),
      },
      { name: 'all', help: 'The newest kernels too: one is downloaded again.', lands: turn('all') },
      helpFlag,
    ],
  },
];

export const sweepFlags: readonly FlagGroup<SweepCommand>[] = [{ title: 'Output', flags: [helpFlag] }];

export const versionFlags: readonly FlagGroup<VersionCommand>[] = [{ title: 'Output', flags: [helpFlag] }];
