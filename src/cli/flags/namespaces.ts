import type { Flag, Landing } from '../flag.ts';
import { idMap, timeOffsets } from '../forms/numbers.ts';
import { matching } from '../forms/words.ts';
import { append, entry, namespace, set } from '../landings.ts';
import type { RunCommand } from '../run-command.ts';

const hostname = matching(/^[^\s/]{1,64}$/, 'a name of 1 to 64 characters');

const shared = namespace('network', 'none');
/** QEMU's own TCP/IP is no namespace, but it is a network. */
const network: Landing<RunCommand> = {
  expects: `${shared.expects}, or user with --isolation vm`,
  land: (command, text, complain, context) => {
    if (text === 'user') command.machine.network = 'user';
    else shared.land(command, text, complain, context);
  },
};

export const namespaceFlags: readonly Flag<RunCommand>[] = [
  {
    name: 'network',
    value: 'NET',
    help: 'none (the default), host, ns:PATH, or user with a VM.',
    lands: network,
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
