import { type Flag, landing } from '../flag.ts';
import { cpus, idList, integer, size, sizeOrUnlimited, ulimit } from '../forms/numbers.ts';
import { pair } from '../forms/words.ts';
import { append, limit, set } from '../landings.ts';
import type { RunCommand } from '../run-command.ts';

const weight = integer({ min: 1, max: 10000 }, 'a whole number from 1 to 10000');

export const resourceFlags: readonly Flag<RunCommand>[] = [
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
