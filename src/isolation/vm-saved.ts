/** What a snapshot has decided, and what must still be true of it. */
import { TareError } from '../errors.ts';
import type { RunRequest } from '../spec/request.ts';
import type { MachineRequest } from '../vm/request.ts';
import type { Snapshot } from '../vm/snapshot.ts';
import type { VmPlan } from './vm-plan.ts';
import { bindsOf } from './vm-volumes.ts';

/** The request, for a machine that is as it was saved. @throws TareError that names what cannot be asked for otherwise */
export function asSaved(
  snapshot: Snapshot,
  request: RunRequest,
  wanted: MachineRequest,
): { readonly request: RunRequest; readonly machine: MachineRequest } {
  const { machine, name, kernelFile } = snapshot;
  const { type, devices, network, accelerator, balloon = false } = machine;
  const asked: [string, boolean][] = [
    ['machine', wanted.machine !== undefined && wanted.machine !== type],
    ['devices', wanted.devices !== undefined && wanted.devices !== devices],
    ['balloon', wanted.balloon !== undefined && wanted.balloon !== balloon],
    ['network', wanted.network !== undefined && wanted.network !== network],
    ['accel', wanted.accelerator !== undefined && wanted.accelerator !== 'auto' && wanted.accelerator !== accelerator],
    ['kernel', wanted.kernel !== undefined],
    ['memory', request.limits?.memory !== undefined],
    ['cpus', request.limits?.cpus !== undefined],
    ['volume', bindsOf(request).length > 0 || wanted.disk !== undefined],
  ];
  const other = asked.filter(([, is]) => is).map(([what]) => `--${what}`);
  if (other.length > 0)
    throw new TareError(`resume the snapshot ${name} with ${other.join(', ')}`, {
      hint: 'the machine is as it was saved: leave that out, or boot',
    });
  return {
    request: { ...request, limits: { memory: machine.memory, cpus: machine.cpus } },
    machine: { machine: type, devices, network, balloon, ...(kernelFile === undefined ? {} : { kernel: kernelFile }) },
  };
}

/** @throws TareError that names what has changed since */
export function checkSnapshot(snapshot: Snapshot, plan: VmPlan, qemuKey: string): void {
  const { name, image, diskKey, guestKey } = snapshot;
  const anew = `make it anew: tare vm rm ${name}, and tare vm snapshot`;
  const changed: [boolean, string][] = [
    [image !== plan.image.reference, `it is of the image ${image}`],
    [diskKey !== plan.disk.key, `the image ${image} has changed since`],
    [guestKey !== plan.files.key, 'the kernel or tare has changed since'],
    [snapshot.qemuKey !== qemuKey, 'QEMU has changed since'],
  ];
  const found = changed.find(([is]) => is);
  if (found !== undefined) throw new TareError(`resume the snapshot ${name}: ${found[1]}`, { hint: anew });
}
