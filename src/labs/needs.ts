/** What a lab needs of the machine. An unmet need is said, and the lab not started: it would pass or fail for the wrong reason. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { readMountinfo, readStatus } from '../index.ts';
import { namespaceObstacle } from './obstacles.ts';

const CAP_SYS_ADMIN = 21n;

/** Why it is not met; undefined where it is. */
const lacks: Readonly<Record<string, () => string | undefined>> = {
  root: () => {
    const { uid, capabilities } = readStatus();
    if (uid.effective !== 0) return `you are uid ${uid.effective}: become root with sudo -s`;
    const may = ((capabilities.effective >> CAP_SYS_ADMIN) & 1n) === 1n;
    return may ? undefined : 'root here lacks CAP_SYS_ADMIN, as in a container: use the machine around it';
  },
  userns: () => namespaceObstacle(),
  overlay: () =>
    /\toverlay$/m.test(read('/proc/filesystems')) ? undefined : 'the kernel has no overlay: modprobe overlay',
  cgroup2: () => (rootGroup() === undefined ? 'cgroup v2 is not mounted' : undefined),
  psi: () => (existsSync('/proc/pressure/cpu') ? undefined : 'the kernel keeps no pressure: boot it with psi=1'),
  kvm: () =>
    accessible('/dev/kvm', constants.R_OK | constants.W_OK) ? undefined : '/dev/kvm is not there, or not yours to use',
  qemu: () => (onPath('qemu-system-x86_64') ? undefined : 'there is no QEMU: apt-get install qemu-system-x86'),
  machine: () =>
    process.env.TARE_MACHINE === 'here'
      ? undefined
      : 'it breaks out of containers, for which there is a virtual machine; where this one may be broken, TARE_MACHINE=here says so',
  subids: () => {
    const missing = ['newuidmap', 'newgidmap'].filter((tool) => !onPath(tool));
    if (missing.length > 0) return `there is no ${missing.join(' and no ')}: apt-get install uidmap`;
    return existsSync('/etc/subuid') ? undefined : 'there is no /etc/subuid: adduser writes it';
  },
};

export const isNeed = (need: string): boolean => need in lacks || /^(tool:[\w.+|-]+|controller:\w+)$/.test(need);

export interface Lack {
  readonly need: string;
  readonly why: string;
}

export function unmetNeeds(needs: readonly string[]): readonly Lack[] {
  return needs.flatMap((need) => {
    const why = lackOf(need);
    return why === undefined ? [] : [{ need, why }];
  });
}

/** A line for each reason: `needs controller:cpu, controller:io: cgroup v2 lacks it here: …`. */
export function describeLacks(lacks: readonly Lack[]): readonly string[] {
  const reasons = new Set(lacks.map(({ why }) => why));
  return [...reasons].map((why) => {
    const needs = lacks.filter((lack) => lack.why === why).map(({ need }) => need);
    return `needs ${needs.join(', ')}: ${why}`;
  });
}

function lackOf(need: string): string | undefined {
  const [kind, name] = need.split(':');
  if (name === undefined) return lacks[need]?.();
  if (kind === 'tool') {
    const tools = name.split('|');
    return tools.some(onPath) ? undefined : `there is no ${tools.join(' and no ')}`;
  }
  const group = rootGroup();
  if (group === undefined) return 'cgroup v2 is not mounted';
  const controllers = read(join(group, 'cgroup.controllers')).trim().split(' ');
  return controllers.includes(name)
    ? undefined
    : 'cgroup v2 lacks it here: it is still mounted as v1, or the kernel has none';
}

const rootGroup = (): string | undefined => readMountinfo().find(({ type }) => type === 'cgroup2')?.mountPoint;

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function accessible(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** Also where an ordinary user's PATH does not lead. */
const onPath = (name: string): boolean =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((directory) =>
    accessible(join(directory, name), constants.X_OK),
  );
