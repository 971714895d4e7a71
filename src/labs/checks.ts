/** The kinds of checks: a file each under `checks/`, and a line here. */
import * as z from 'zod';
import { TareError } from '../index.ts';
import { checkFile, fileShape } from './checks/file.ts';
import { checkQemu, qemuShape } from './checks/emulator.ts';
import { checkRule, ruleShape } from './checks/firewall.ts';
import { checkGuest, guestShape } from './checks/guest.ts';
import { cgroupShape, checkCgroup, checkRead, readShape } from './checks/kernel-file.ts';
import { checkMount } from './checks/mounts.ts';
import { checkNetwork, networkShape } from './checks/network.ts';
import { checkPair, pairShape } from './checks/pair.ts';
import { checkProcess } from './checks/process.ts';
import { processShape } from './checks/process-shape.ts';
import { mountShape } from './checks/shapes.ts';
import type { Finding } from './finding.ts';
import type { World } from './world.ts';

/** Exactly one of these words, with what it expects. */
export const checkShape = z
  .strictObject({
    process: processShape.optional(),
    processes: pairShape.optional(),
    mount: mountShape.optional(),
    file: fileShape.optional(),
    read: readShape.optional(),
    cgroup: cgroupShape.optional(),
    network: networkShape.optional(),
    rule: ruleShape.optional(),
    guest: guestShape.optional(),
    qemu: qemuShape.optional(),
  })
  .refine((check) => Object.keys(check).length === 1, 'a check is one word, such as process, with what it expects');
export type Check = z.output<typeof checkShape>;

async function runCheck(check: Check, world: World): Promise<Finding> {
  if (check.process !== undefined) return checkProcess(check.process, world);
  if (check.processes !== undefined) return checkPair(check.processes, world);
  if (check.mount !== undefined) return checkMount(check.mount, world);
  if (check.file !== undefined) return checkFile(check.file);
  if (check.read !== undefined) return checkRead(check.read);
  if (check.cgroup !== undefined) return checkCgroup(check.cgroup);
  if (check.network !== undefined) return checkNetwork(check.network, world);
  if (check.rule !== undefined) return checkRule(check.rule);
  if (check.guest !== undefined) return checkGuest(check.guest);
  if (check.qemu !== undefined) return checkQemu(check.qemu);
  throw new TareError('run a check that asks for nothing');
}

/** One after the other: a later one may say little where an earlier one fails. */
export async function runChecks(checks: readonly Check[], world: World): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    const finding = await runCheck(check, world);
    findings.push(finding);
    if (!finding.passed) break;
  }
  return findings;
}
