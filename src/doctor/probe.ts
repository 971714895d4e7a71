/** A probe is data: a question about the machine, what tare needs the answer for, and what a no costs. */
import type { TareError } from '../errors.ts';
import type { Errno } from '../linux/abi.ts';
import type { Verdict } from './diagnosis.ts';
import type { Machine } from './machine.ts';

export interface Probe {
  readonly name: string;
  /** What tare uses it for. */
  readonly purpose: string;
  /** What is lost without. */
  readonly lost: string;
  /** A command, or a fact to act on. */
  readonly cure: string;
  /** Better cures, by what the kernel said. */
  readonly cures?: Partial<Record<Errno, string>>;
  /** Whose containers do not start by default without it. */
  readonly vital?: 'everyone' | 'root' | 'rootless';
  /** Throws where nothing can be said: then it was not examined. */
  readonly examine: (machine: Machine) => Finding | Promise<Finding>;
}

/** A table of probes, each of them typed by being an argument. */
export const probes = (...list: readonly Probe[]): readonly Probe[] => list;

export interface Finding {
  readonly verdict: Verdict;
  readonly fact: string;
  /** What the kernel said, for the probe's `cures`. */
  readonly errno?: string;
  /** Instead of the probe's own. */
  readonly lost?: string;
  readonly cure?: string;
  readonly vital?: boolean;
}

type More = Pick<Finding, 'lost' | 'cure'>;

export const yes = (fact: string): Finding => ({ verdict: 'yes', fact });
export const no = (fact: string, more: More = {}): Finding => ({ verdict: 'no', fact, ...more });
export const info = (fact: string): Finding => ({ verdict: 'info', fact });

/** `fact` where a trial went well, else the step that did not: `mount proc: EPERM`. */
export function judge(failure: TareError | undefined, fact: string): Finding {
  if (failure === undefined) return yes(fact);
  const { doing, errno } = failure;
  return { verdict: 'no', fact: errno === undefined ? doing : `${doing}: ${errno}`, errno };
}

/** For what an ordinary user may not even ask. */
export const onlyRoot: Finding = info('not for an ordinary user to ask');

/** A cure for who may do it, and is refused. */
export const confined = 'a security module or a seccomp filter refuses it: start tare outside of that container';
