/** /proc/PID/limits: proc_pid_limits(5). Pure. */

export interface Rlimits {
  /** Infinity for unlimited. */
  readonly soft: number;
  readonly hard: number;
}

/** By the kernel's own names, such as `Max open files`. */
export function parseLimits(text: string): ReadonlyMap<string, Rlimits> {
  const amount = (word: string): number => (word === 'unlimited' ? Infinity : Number(word));
  return new Map(
    text.split('\n').flatMap((line): [string, Rlimits][] => {
      const [, name, soft, hard] = /^(Max .*?)\s{2,}(unlimited|\d+)\s+(unlimited|\d+)/.exec(line) ?? [];
      return name === undefined || soft === undefined || hard === undefined
        ? []
        : [[name, { soft: amount(soft), hard: amount(hard) }]];
    }),
  );
}
