/**
 * What a process leaves behind that is killed, and who takes it away.
 *
 *     our process                       its watchdog                       any later start
 *       │ has started a container         │                                  │
 *       ├── sweeps what others left       │                                  │
 *       ├── makes it ────────────────────▶│ waits for a byte                 │
 *       │ is killed                       │                                  │
 *       ╳┄┄ end of file ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶│ executes `tare sweep`            │
 *       ╳┄┄ both are killed ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶│ sweeps
 *
 * A container's first process dies with us by itself (prctl(2), PR_SET_PDEATHSIG), unless it has changed its user since;
 * the others die with its pid namespace, unless it has none. The cgroup reaches all of them, and is itself to be removed.
 */
import type { CgroupHost } from '../cgroup/hierarchy.ts';
import { memoryFd, syncFd } from '../launch/bootstrap.ts';
import type { Child } from '../launch/child.ts';
import { cell, data, ProgramBuilder, strings } from '../launch/program.ts';
import type { Spawner } from '../launch/spawn.ts';
import { CLOSE_RANGE, flags, named, PR, SIG_SET } from '../linux/flags.ts';
import { builtFile } from '../linux/native.ts';
import { sweepCgroups } from './sweep.ts';

/** A container that ends sooner is not worth a process: what a kill in that time leaves, the next start sweeps. In ms. */
const worthwhile = 50;

export interface Surroundings {
  readonly spawner: Spawner;
  readonly cgroups: CgroupHost;
  readonly nullFd: number;
}

export class Leftovers {
  readonly #surroundings: Surroundings;
  #timer: NodeJS.Timeout | undefined;
  #watchdog: Child | undefined;
  #swept = false;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** To be called when a container has started, which it must not delay. */
  tend(): void {
    const { cgroups, spawner } = this.#surroundings;
    if (cgroups.parent === undefined) return;
    if (!this.#swept) void sweepCgroups(this.#surroundings).catch(() => {}); // the next who starts one tries again
    this.#swept = true;
    if (this.#watchdog !== undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (spawner.busy) this.watch();
    }, worthwhile).unref();
  }

  /** Makes the watchdog, if there is none. */
  watch(): void {
    if (this.#watchdog !== undefined) return;
    const sweeper = sweepCommand();
    if (sweeper === undefined) return;
    const { nullFd, spawner } = this.#surroundings;
    const watchdog = spawner.spawn({
      program: watchdogProgram(sweeper),
      cloneFlags: named(0, '0'),
      fds: [nullFd, nullFd, nullFd],
      newUser: false,
      lastCapability: 0,
      background: true,
    });
    this.#watchdog = watchdog;
    // Where nothing is left to do it is told so; where containers still run it hears the end of file instead.
    const dismiss = () => {
      if (!spawner.busy) watchdog.go();
    };
    process.once('exit', dismiss);
    const forget = () => {
      process.off('exit', dismiss);
      this.#watchdog = undefined;
    };
    void watchdog.exited.then(forget);
  }
}

/** `tare sweep`, as execve(2) takes it; undefined where the library was built into another program, without the command. */
function sweepCommand(): readonly [string, ...string[]] | undefined {
  try {
    return [process.execPath, builtFile('cli.cjs'), 'sweep'];
  } catch {
    return undefined;
  }
}

function watchdogProgram(command: readonly [string, ...string[]]) {
  const b = new ProgramBuilder().stage('watchdog');
  const sync = cell('sync', syncFd(3));
  b.op('have a name that ps(1) shows', 'prctl', [flags(PR, 'SET_NAME'), 'tare-watchdog', 0, 0, 0]);
  b.op('hold no directory', 'chdir', ['/']);
  b.op('leave the session, which may end before', 'setsid', []);
  const wait = [sync, data('{byte}', [{ u64: 0 }]), 1];
  b.unless('wait until the process that has started containers ends', 'read', wait, { min: 1, allow: [0] }, () =>
    b.op('leave: it has cleaned up itself', 'exit_group', [0]),
  );
  b.op('let signals in again', 'rt_sigprocmask', [flags(SIG_SET, 'SETMASK'), data('{}', [{ u64: 0 }]), 0, 8]);
  b.op('keep nothing open', 'close_range', [memoryFd(3), 0xffffffff, flags(CLOSE_RANGE, 'CLOEXEC')]);
  const environment = data('{}', [{ address: null }]);
  b.op('clean up in its place', 'execve', [command[0], strings(command), environment]);
  return { ops: b.ops };
}
