/** The doctor: looks at this machine and this user, and says what of tare works here. Leaves nothing behind. */
import type { Errno } from '../linux/abi.ts';
import { type Diagnosis, type Group, groups } from './diagnosis.ts';
import { lookAround, type Machine, messageOf } from './machine.ts';
import { info, type Finding, type Probe } from './probe.ts';
import { container } from './probes/container.ts';
import { isolation } from './probes/isolation.ts';
import { kernel } from './probes/kernel.ts';
import { machines } from './probes/machines.ts';
import { peers } from './probes/peers.ts';
import { resources } from './probes/resources.ts';
import { rootFilesystem } from './probes/root-filesystem.ts';
import { rootless } from './probes/rootless.ts';
import { security } from './probes/security.ts';
import { speed } from './probes/speed.ts';

const probes: Readonly<Record<Group, readonly Probe[]>> = {
  kernel,
  isolation,
  'root filesystem': rootFilesystem,
  resources,
  security,
  rootless,
  'virtual machines': machines,
  speed,
  peers,
};

/** Takes some 300 ms; most of it goes into the peers' versions and, where it is set, NODE_EXTRA_CA_CERTS. */
export async function diagnose(): Promise<Diagnosis[]> {
  const machine = await lookAround();
  const found = groups.flatMap((group) => probes[group].map((probe) => examine(machine, group, probe)));
  const proof = await examine(machine, 'isolation', container);
  return [...(await Promise.all(found)), proof];
}

async function examine(machine: Machine, group: Group, probe: Probe): Promise<Diagnosis> {
  const { name, purpose, cures = {} } = probe;
  const finding = await find(machine, probe);
  const { verdict, fact, errno, lost = probe.lost, vital = isVital(machine, probe) } = finding;
  const cure = finding.cure ?? cures[errno as Errno] ?? probe.cure;
  return { group, name, purpose, verdict, fact, ...(verdict === 'no' ? { lost, cure } : {}), vital };
}

async function find(machine: Machine, probe: Probe): Promise<Finding> {
  try {
    return await probe.examine(machine);
  } catch (error) {
    return info(`not examined: ${messageOf(error)}`);
  }
}

function isVital({ host }: Machine, { vital }: Probe): boolean {
  if (vital === undefined || vital === 'everyone') return vital !== undefined;
  try {
    return host().rootless === (vital === 'rootless');
  } catch {
    return false;
  }
}
