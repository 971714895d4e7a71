/** What containers can be limited to, by cgroup v2, and the limits that tare is under itself. */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { Cgroup } from '../../cgroup/cgroup.ts';
import { v1Name } from '../../cgroup/hierarchy.ts';
import { obstacle } from '../../cgroup/refusals.ts';
import { compileCgroup } from '../../launch/cgroup.ts';
import { compileDeviceRules, defaultDeviceRules } from '../../linux/bpf-devices.ts';
import { parseLimits } from '../limits.ts';
import type { Machine } from '../machine.ts';
import { type Finding, info, judge, no, onlyRoot, type Probe, probes, yes } from '../probe.ts';

/** Makes a group, looks, and removes it. */
async function inOwnGroup(
  { cgroups }: Machine,
  name: string,
  look: (group: string) => Finding | Promise<Finding>,
): Promise<Finding> {
  const { delegated } = cgroups;
  if (delegated === undefined) return info('no cgroup of ours to try it in');
  const group = new Cgroup(`${delegated}/tare-doctor-${process.pid}-${name}`);
  try {
    mkdirSync(group.path);
  } catch (error) {
    return no(`make ${group.path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  try {
    return await look(group.path);
  } finally {
    await group.remove();
  }
}

/** Without systemd somebody must hand a part of the tree over, and put our shell in it: cgroup-v2.rst, "Delegation". */
const delegation = (mount: string, user: string): string =>
  `as root: cd ${mount}; mkdir -p ${user}/shell; chown -R ${user} ${user}/shell; ` +
  `chown ${user} ${user} ${user}/cgroup.procs ${user}/cgroup.subtree_control; echo ${process.ppid} > ${user}/shell/cgroup.procs`;

/** A file that every group but the root has. */
const groupFile =
  (file: string, fact: string): Probe['examine'] =>
  (machine) =>
    inOwnGroup(machine, file, (group) => (existsSync(`${group}/${file}`) ? yes(fact) : no(`no ${file} in ${group}`)));

const controller = (name: string, lost: string): Probe => ({
  name: `${name} controller`,
  purpose: lost,
  lost,
  cure: 'the group above must pass it on (Delegate=yes); at the top some kernels want cgroup_enable=… at boot',
  examine: ({ cgroups }) => {
    const { mount, v1, v1Grantable, controllers, delegated, grantable } = cgroups;
    if (grantable.includes(name)) return yes(`for groups under ${delegated}`);
    if (v1Grantable.includes(v1Name(name))) return yes(`by cgroup v1, at ${v1[v1Name(name)]}`);
    if (name === 'hugetlb' && !existsSync('/sys/kernel/mm/hugepages')) return info('this kernel has no huge pages');
    const taken = v1[v1Name(name)] !== undefined;
    if (mount !== undefined && delegated === undefined && !taken) return info('needs a cgroup of our own');
    if (mount !== undefined && !taken && !controllers.includes(name)) return no(`not in ${mount}/cgroup.controllers`);
    const { fault, cure } = obstacle(cgroups, name);
    return no(fault.replace(`the ${name} controller is `, ''), { cure });
  },
});

const rlimit = (name: string, limit: string, least: number, cure: string): Probe => ({
  name,
  purpose: 'many containers at once',
  lost: 'more than a few hundred containers at once',
  cure,
  examine: ({ read }) => {
    const { hard } = parseLimits(read('/proc/self/limits') ?? '').get(limit) ?? {};
    if (hard === undefined) return info('not told by /proc/self/limits');
    const fact = hard === Infinity ? 'unlimited' : `${hard} at most`;
    return hard < least ? no(fact) : yes(fact);
  },
});

export const resources = probes(
  {
    name: 'cgroup v2',
    purpose: 'limits, statistics, freeze and kill of whole containers',
    lost: 'limits, statistics, freeze, kill; /sys/fs/cgroup in containers',
    cure: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup',
    examine: ({ cgroups }) => (cgroups.mount === undefined ? no('not mounted') : yes(`mounted at ${cgroups.mount}`)),
  },
  {
    name: 'cgroups of our own',
    purpose: 'a group for each container',
    lost: 'a group for each container, and with it all limits, freeze and kill',
    cure: 'run under systemd-run --user --scope -p Delegate=yes',
    examine: ({ cgroups: { mount, parent }, user }) => {
      if (mount === undefined) return info('needs cgroup v2');
      if (parent !== undefined) return yes(parent);
      const fault = `none under ${mount} is ours to divide`;
      if (process.geteuid?.() === 0)
        return no(fault, { cure: `start tare where root may write to ${mount}: on the host` });
      return existsSync('/run/systemd/system') ? no(fault) : no(fault, { cure: delegation(mount, user) });
    },
  },
  {
    name: 'birth in a cgroup',
    purpose: 'no instant outside the limits (CLONE_INTO_CGROUP)',
    lost: 'containers in cgroups',
    cure: 'Linux 5.7 or later',
    examine: (machine) =>
      inOwnGroup(machine, 'birth', async (group) => {
        const cgroup = openSync(group, 'r');
        try {
          return judge(await machine.trials().child({ world: 'host', cgroup }, () => {}), 'CLONE_INTO_CGROUP');
        } finally {
          closeSync(cgroup);
        }
      }),
  },
  {
    name: 'cgroup.kill',
    purpose: 'an end for all processes of a container at once, forks and all',
    lost: 'tare kill, and a sure end of containers without a pid namespace',
    cure: 'Linux 5.14 or later',
    examine: groupFile('cgroup.kill', 'ends all of a container at once'),
  },
  {
    name: 'cgroup.freeze',
    purpose: 'tare pause',
    lost: 'tare pause',
    cure: 'Linux 5.2 or later',
    examine: groupFile('cgroup.freeze', 'stops all of a container at once'),
  },
  {
    name: 'pressure (PSI)',
    purpose: 'how long a container waits for CPU, memory and disk',
    lost: 'how long a container waits for CPU, memory and disk',
    cure: 'boot with psi=1',
    // With psi=0 the file is there and reading it fails.
    examine: ({ read }) =>
      read('/proc/pressure/cpu') === undefined ? no('no /proc/pressure/cpu') : yes('/proc/pressure'),
  },
  {
    name: 'device rules',
    purpose: 'an eBPF program that judges each open of a device node',
    lost: '--device with a rule; containers of root may use every device they can make',
    cure: 'a kernel with CONFIG_CGROUP_BPF',
    cures: { EPERM: 'run with CAP_BPF and CAP_SYS_ADMIN, outside of other containers' },
    examine: (machine) =>
      machine.host().rootless
        ? onlyRoot
        : inOwnGroup(machine, 'devices', async (path) => {
            const program = compileDeviceRules(defaultDeviceRules) ?? new Uint8Array();
            const plan = {
              path,
              directories: [],
              enable: [],
              limits: [],
              v1: [],
              devices: { program, why: 'judge devices' },
            };
            const { ops } = compileCgroup(plan, { owner: '' }).program;
            const failure = await machine.trials().child({ world: 'host' }, (b) => {
              for (const { why, call, args, ...rest } of ops) b.op(why, call, args, rest);
            });
            return judge(failure, 'an eBPF program judges them');
          }),
  },
  controller('memory', '-m, --memory-swap, memory statistics, the reason of an OOM kill'),
  controller('cpu', '--cpus, --cpu-weight'),
  controller('cpuset', '--cpuset-cpus'),
  controller('io', 'weights and limits of disk use'),
  controller('pids', '--pids-limit'),
  controller('hugetlb', 'limits of huge pages'),
  rlimit('open files', 'Max open files', 4096, 'ulimit -n 65536, or LimitNOFILE=65536 in the unit'),
  rlimit('processes', 'Max processes', 4096, 'ulimit -u 65536, or LimitNPROC=65536 in the unit'),
);
