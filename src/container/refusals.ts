/** What a spec asks for and this host, or tare, does not have: said at once and by name, instead of left out in silence. */
import { readFileSync } from 'node:fs';
import { problem, type Problem, SpecError } from '../spec/problem.ts';
import type { Spec } from '../spec/spec.ts';

export function refuseMissing(spec: Spec): void {
  const problems = [...labelProblems(spec), ...hardwareProblems(spec)];
  if (problems.length > 0) throw new SpecError('run this on this host', problems);
}

function* labelProblems({ process, linux }: Spec): Generator<Problem> {
  const { apparmorProfile = '', selinuxLabel = '' } = process;
  const { mountLabel = '' } = linux ?? {};
  if (apparmorProfile === '' && selinuxLabel === '' && mountLabel === '') return;
  const active = activeModules();
  const fact = `security modules that are active here: ${active.join(', ') || 'none'}`;
  if (apparmorProfile !== '' && !active.includes('apparmor'))
    yield problem('/process/apparmorProfile', `needs AppArmor; ${fact}`);
  if (selinuxLabel !== '' && !active.includes('selinux'))
    yield problem('/process/selinuxLabel', `needs SELinux; ${fact}`);
  if (mountLabel !== '') yield problem('/linux/mountLabel', `labels of mounts are not supported; ${fact}`);
}

function* hardwareProblems({ linux }: Spec): Generator<Problem> {
  if (linux?.intelRdt !== undefined) yield problem('/linux/intelRdt', 'Intel RDT is not supported: leave it out');
}

/** securityfs lists them; where it is not mounted, AppArmor and SELinux still show in their own places. */
function activeModules(): string[] {
  const listed = read('/sys/kernel/security/lsm')?.trim().split(',');
  if (listed !== undefined) return listed;
  return [
    ...(read('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') === true ? ['apparmor'] : []),
    ...(read('/sys/fs/selinux/enforce') === undefined ? [] : ['selinux']),
  ];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
