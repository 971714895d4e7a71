/**
 * Every flag of the command line, by verb: parsing and `--help` both read these tables.
 *
 * Names, grammar and meaning are those of docker-run(1) where it has the flag, and otherwise podman-run(1)'s.
 */
import type { Limits, NamespaceKind, RunRequest } from '../spec/request.ts';
import { type Flag, type FlagGroup, type Form, landing, type Landing } from './flag.ts';
import { device } from './forms/devices.ts';
import { mount, tmpfs, volume } from './forms/mounts.ts';
import { namespaceChoice } from './forms/namespaces.ts';
import { cpus, idList, idMap, integer, octal, size, sizeOrUnlimited, timeOffsets, ulimit } from './forms/numbers.ts';
import { capability, securityOption } from './forms/security.ts';
import { absolutePath, entrypoint, hostPath, matching, oneOf, pair, truth, variable } from './forms/words.ts';
import {
  type DoctorCommand,
  type ExplainCommand,
  logLevels,
  type RunCommand,
  type StepCommand,
  type TraceCommand,
  type VersionCommand,
} from './run-command.ts';

type ListKey =
  'env' | 'groupAdd' | 'mounts' | 'devices' | 'ulimits' | 'capAdd' | 'capDrop' | 'uidMappings' | 'gidMappings';
type Item<K extends ListKey> = NonNullable<RunRequest[K]>[number];

const set = <K extends keyof RunRequest>(key: K, form: Form<NonNullable<RunRequest[K]>>): Landing<RunCommand> =>
  landing(form, ({ request }, value) => {
    request[key] = value;
  });

const append = <K extends ListKey>(key: K, form: Form<Item<K>>): Landing<RunCommand> =>
  landing(form, ({ request }, value) => {
    const before: readonly unknown[] = request[key] ?? [];
    Object.assign(request, { [key]: [...before, value] });
  });

const limit = <K extends keyof Limits>(key: K, form: Form<NonNullable<Limits[K]>>): Landing<RunCommand> =>
  landing(form, ({ request }, value) => {
    request.limits = { ...request.limits, [key]: value };
  });

/** One `KEY=VALUE` of a map. */
const entry = (key: 'sysctl' | 'annotations', expects: string): Landing<RunCommand> =>
  landing(pair(expects), ({ request }, [name, value]) => {
    request[key] = { ...request[key], [name]: value };
  });

const namespace = (kind: NamespaceKind, own = 'private'): Landing<RunCommand> =>
  landing(namespaceChoice(own), ({ request }, choice) => {
    request.namespaces = { ...request.namespaces, [kind]: choice };
  });

const turn = <K extends string>(key: K): Landing<Record<K, boolean>> =>
  landing(truth, (command, value) => {
    command[key] = value;
  });

const hostname = matching(/^[^\s/]{1,64}$/, 'a name of 1 to 64 characters');
const weight = integer({ min: 1, max: 10000 }, 'a whole number from 1 to 10000');

const processFlags: readonly Flag<RunCommand>[] = [
  { name: 'interactive', short: 'i', help: 'Keep standard input open.', lands: turn('interactive') },
  {
    name: 'tty',
    short: 't',
    help: 'Give the command a terminal of its own.',
    lands: landing(truth, (command, value) => {
      command.tty = value;
      command.request.terminal = value;
    }),
  },
  {
    name: 'env',
    short: 'e',
    value: 'NAME[=VALUE]',
    repeats: 'always',
    help: 'Set a variable, or hand on our own.',
    lands: append('env', variable),
  },
  {
    name: 'env-file',
    value: 'FILE',
    repeats: 'always',
    help: 'Read variables from a file, one a line.',
    lands: landing(hostPath, (command, path) => {
      command.envFiles = [...command.envFiles, path];
    }),
  },
  { name: 'workdir', short: 'w', value: 'DIR', help: 'Start in this directory.', lands: set('cwd', absolutePath) },
  {
    name: 'user',
    short: 'u',
    value: 'USER[:GROUP]',
    help: "A user of the image's own passwd, or an id.",
    lands: set('user', matching(/^[^:\s]+(:[^:\s]+)?$/, 'USER[:GROUP], names or ids')),
  },
  {
    name: 'group-add',
    value: 'GROUP',
    repeats: 'always',
    help: 'Join one more group.',
    lands: append('groupAdd', matching(/^[^:\s]+$/, 'the name or id of a group')),
  },
  { name: 'umask', value: 'MODE', help: 'Set the file mode creation mask.', lands: set('umask', octal) },
  {
    name: 'entrypoint',
    value: 'PROGRAM',
    help: "Replace the image's entry point; empty: none.",
    lands: set('entrypoint', entrypoint),
  },
  {
    name: 'init',
    help: 'A pid 1 that reaps and passes on signals.',
    lands: set('init', truth),
  },
];

const filesystemFlags: readonly Flag<RunCommand>[] = [
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

const resourceFlags: readonly Flag<RunCommand>[] = [
  {
    name: 'memory',
    short: 'm',
    value: 'SIZE',
    help: 'Kill what uses more memory than this.',
    lands: limit('memory', size),
  },
  {
    name: 'memory-swap',
    value: 'SIZE',
    help: 'Memory and swap together; -1: no limit.',
    lands: limit('memorySwap', sizeOrUnlimited),
  },
  {
    name: 'memory-reservation',
    value: 'SIZE',
    help: 'Memory that is reclaimed last.',
    lands: limit('memoryReservation', size),
  },
  { name: 'cpus', value: 'NUMBER', help: "So many CPUs' worth of time, such as 1.5.", lands: limit('cpus', cpus) },
  {
    name: 'cpu-weight',
    value: '1..10000',
    help: 'Share of busy CPUs; 100 is the usual one.',
    lands: limit('cpuWeight', weight),
  },
  {
    name: 'cpuset-cpus',
    value: 'LIST',
    help: 'Run on these CPUs only, such as 0-2,7.',
    lands: limit('cpusetCpus', idList),
  },
  { name: 'cpuset-mems', value: 'LIST', help: 'Use these memory nodes only.', lands: limit('cpusetMems', idList) },
  {
    name: 'pids-limit',
    value: 'NUMBER',
    help: 'So many processes and threads; -1: no limit.',
    lands: limit('pids', integer({ min: 1, unlimited: true }, 'a whole number from 1, or -1 for no limit')),
  },
  {
    name: 'io-weight',
    value: '1..10000',
    help: 'Share of busy disks; 100 is the usual one.',
    lands: limit('ioWeight', weight),
  },
  {
    name: 'cgroup-conf',
    value: 'FILE=VALUE',
    repeats: 'keys',
    help: 'Any file of the cgroup: memory.high=32M.',
    lands: landing(pair('FILE=VALUE, such as memory.high=32M'), ({ request }, [file, value]) => {
      request.limits = { ...request.limits, unified: { ...request.limits?.unified, [file]: value } };
    }),
  },
  {
    name: 'ulimit',
    value: 'NAME=SOFT[:HARD]',
    repeats: 'keys',
    help: 'A limit of getrlimit(2): nofile=1024:4096.',
    lands: append('ulimits', ulimit),
  },
  {
    name: 'oom-score-adj',
    value: 'NUMBER',
    help: 'From -1000 to 1000: higher is killed sooner.',
    lands: set('oomScoreAdj', integer({ min: -1000, max: 1000 }, 'a whole number from -1000 to 1000')),
  },
];

const securityFlags: readonly Flag<RunCommand>[] = [
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

const namespaceFlags: readonly Flag<RunCommand>[] = [
  {
    name: 'network',
    value: 'NET',
    help: 'none (the default), host or ns:PATH.',
    lands: namespace('network', 'none'),
  },
  { name: 'pid', value: 'NS', help: 'NS is private, host or ns:PATH.', lands: namespace('pid') },
  { name: 'ipc', value: 'NS', help: 'System V IPC and POSIX message queues.', lands: namespace('ipc') },
  { name: 'uts', value: 'NS', help: 'Host and domain name.', lands: namespace('uts') },
  { name: 'cgroupns', value: 'NS', help: 'What /proc/self/cgroup shows.', lands: namespace('cgroup') },
  { name: 'userns', value: 'NS', help: 'User and group ids.', lands: namespace('user') },
  {
    name: 'uidmap',
    value: 'ID:HOST:SIZE',
    repeats: 'always',
    help: 'Map SIZE user ids, ID on, to HOST and on.',
    lands: append('uidMappings', idMap),
  },
  {
    name: 'gidmap',
    value: 'ID:HOST:SIZE',
    repeats: 'always',
    help: 'The same for group ids.',
    lands: append('gidMappings', idMap),
  },
  {
    name: 'time-offset',
    value: 'CLOCK=SECONDS',
    help: 'Move the clock monotonic or boottime.',
    lands: set('timeOffsets', timeOffsets),
  },
  { name: 'hostname', short: 'h', value: 'NAME', help: 'The host name inside.', lands: set('hostname', hostname) },
  { name: 'domainname', value: 'NAME', help: 'The NIS domain name inside.', lands: set('domainname', hostname) },
  {
    name: 'sysctl',
    value: 'NAME=VALUE',
    repeats: 'keys',
    help: 'A kernel parameter of a new namespace.',
    lands: entry('sysctl', 'NAME=VALUE, such as net.ipv4.ip_forward=1'),
  },
];

const logLevel: Flag<Pick<RunCommand, 'logLevel'>> = {
  name: 'log-level',
  value: 'LEVEL',
  help: 'Log to standard error: trace, debug, info, warn, error or silent (the default).',
  lands: landing(oneOf(...logLevels), (command, level) => {
    command.logLevel = level;
  }),
};

const helpFlag: Flag<{ help: boolean }> = { name: 'help', help: 'Print this page.', lands: turn('help') };

const otherFlags: readonly Flag<RunCommand>[] = [
  {
    name: 'name',
    value: 'NAME',
    help: 'Name the container; made up otherwise.',
    lands: set(
      'name',
      matching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/, 'letters, digits, _, . and -, a letter or digit first'),
    ),
  },
  { name: 'rm', help: 'Leave nothing behind at the end.', lands: turn('rm') },
  {
    name: 'annotation',
    value: 'KEY=VALUE',
    repeats: 'keys',
    help: "Add to the spec's annotations.",
    lands: entry('annotations', 'KEY=VALUE'),
  },
  logLevel,
  helpFlag,
];

export const runFlags: readonly FlagGroup<RunCommand>[] = [
  { title: 'Process', flags: processFlags },
  { title: 'Filesystem', flags: filesystemFlags },
  { title: 'Resources', flags: resourceFlags },
  { title: 'Security', flags: securityFlags },
  { title: 'Namespaces', flags: namespaceFlags },
  { title: 'Other', flags: otherFlags },
];

export const explainFlags: readonly FlagGroup<ExplainCommand>[] = [
  { title: 'Output', flags: [{ name: 'json', help: 'Print the program as JSON.', lands: turn('json') }] },
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

export const versionFlags: readonly FlagGroup<VersionCommand>[] = [{ title: 'Output', flags: [helpFlag] }];
