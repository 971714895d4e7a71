import { pointer, problem } from '../problem.ts';
import { check, named, numbered, repeated } from './check.ts';

const realtime = new Set(['SCHED_FIFO', 'SCHED_RR']);
const deadlines = ['runtime', 'deadline', 'period'] as const;

export const processChecks = [
  check('there is a command', '/process/args', function* ({ process }) {
    if (process?.args?.length === 0) yield problem('/process/args', 'must hold at least one word');
    if (process?.args?.[0] === '') yield problem('/process/args/0', 'must name the program to run');
  }),
  check(
    'effective capabilities are permitted ones (capset(2))',
    '/process/capabilities/effective',
    function* ({ process }) {
      const { effective, permitted = [] } = process?.capabilities ?? {};
      for (const [index, name] of numbered(effective)) {
        const at = `/process/capabilities/effective/${index}`;
        if (!permitted.includes(name)) yield problem(at, `must be permitted too: add ${name} to permitted`);
      }
    },
  ),
  check(
    'ambient capabilities are permitted and inheritable ones (capabilities(7))',
    '/process/capabilities/ambient',
    function* ({ process }) {
      const { ambient, permitted = [], inheritable = [] } = process?.capabilities ?? {};
      for (const [index, name] of numbered(ambient)) {
        const lacking = Object.entries({ permitted, inheritable }).filter(([, set]) => !set.includes(name));
        const sets = lacking.map(([set]) => set).join(' and ');
        const at = `/process/capabilities/ambient/${index}`;
        if (sets !== '') yield problem(at, `must be permitted and inheritable too: add ${name} to ${sets}`);
      }
    },
  ),
  check('each limit is set once', '/process/rlimits', function* ({ process }) {
    for (const [index, { type }] of repeated(process?.rlimits, (rlimit) => rlimit.type)) {
      yield problem(`/process/rlimits/${index}`, `must not set ${type} again`);
    }
  }),
  check('a soft limit is at most the hard one (getrlimit(2))', '/process/rlimits', function* ({ process }) {
    for (const [index, { soft, hard }] of numbered(process?.rlimits)) {
      if (soft === undefined || hard === undefined || soft <= hard) continue;
      yield problem(`/process/rlimits/${index}/soft`, `must not be above the hard limit of ${hard}`);
    }
  }),
  check('scheduling parameters belong to the policy (sched_setattr(2))', '/process/scheduler', function* ({ process }) {
    const { policy, priority = 0, ...times } = process?.scheduler ?? {};
    if (policy === undefined) return;
    if (realtime.has(policy) && priority === 0) {
      yield problem('/process/scheduler/priority', `must be from 1 to 99 for ${policy}`);
    }
    if (!realtime.has(policy) && priority !== 0) {
      yield problem('/process/scheduler/priority', `must be 0 for ${policy}: it belongs to SCHED_FIFO and SCHED_RR`);
    }
    for (const time of deadlines) {
      if (policy === 'SCHED_DEADLINE' || (times[time] ?? 0) === 0) continue;
      yield problem(`/process/scheduler/${time}`, `must be 0 for ${policy}: it belongs to SCHED_DEADLINE`);
    }
  }),
  check('a deadline has room for its runtime (sched(7))', '/process/scheduler', function* ({ process }) {
    const { policy, runtime = 0, deadline = 0, period = deadline } = process?.scheduler ?? {};
    if (policy !== 'SCHED_DEADLINE') return;
    const holds = runtime > 0 && runtime <= deadline && (period === 0 || deadline <= period);
    if (!holds) yield problem('/process/scheduler', 'must hold 0 < runtime <= deadline <= period');
  }),
  check('hooks have a program to run ("POSIX-platform Hooks")', '/hooks', function* ({ hooks }) {
    for (const [moment, list] of named(hooks)) {
      for (const [index, { args }] of numbered(list)) {
        const at = `/hooks${pointer(moment, index)}/args`;
        if (args?.length === 0) yield problem(at, 'must begin with the name of the program, or be left out');
      }
    }
  }),
];
