/** `tare vm snapshot`: boots a guest with its image in place, and keeps it as it waits for a payload. */
import type { Engine } from '../container/engine.ts';
import { madeUpId } from '../container/prepare.ts';
import { TareError } from '../errors.ts';
import { programKey } from '../vm/accelerator.ts';
import { findQemu } from '../vm/qemu.ts';
import { checkFreeName, readSnapshot, saveSnapshot, type Snapshot } from '../vm/snapshot.ts';
import { type IsolatedOptions, plainOptions } from './isolation.ts';
import { refuseUnfit } from './unfit.ts';
import { usualPatience } from './vm.ts';
import { boot, chooseMachine, devicesFor } from './vm-launch.ts';
import { planVm } from './vm-plan.ts';
import { VmRoom } from './vm-room.ts';
import { bindsOf } from './vm-volumes.ts';

/** @throws TareError with the step that failed; nothing is left of it then */
export async function takeSnapshot(engine: Engine, name: string, options: IsolatedOptions): Promise<Snapshot> {
  const { vm: wanted = {}, say = () => {} } = options;
  const request = plainOptions(options);
  refuseUnfit('vm', request);
  if (bindsOf(request).length > 0)
    throw new TareError(`save the snapshot ${name} with volumes`, {
      hint: 'what serves them cannot be saved: leave out -v',
    });
  checkFreeName(name);
  const id = madeUpId();
  const qemuKey = programKey(findQemu());
  const plan = await planVm(engine, request, wanted, { id, say });
  const chosen = await chooseMachine(engine, plan, wanted, say);
  using room = new VmRoom(engine, id, devicesFor(chosen));
  const ram = `${room.path}/ram`;
  const machine = { ...chosen, memoryFile: { path: ram, share: true } };
  const patience = wanted.bootTimeout ?? usualPatience;
  const { vm, lastCapability } = await boot(engine, machine, plan, { patience, trace: false, room });
  await using _ = vm;
  const snapshot = {
    name,
    created: new Date().toISOString(),
    image: plan.image.reference,
    diskKey: plan.disk.key,
    kernel: plan.kernel.name,
    ...(wanted.kernel === undefined ? {} : { kernelFile: wanted.kernel }),
    guestKey: plan.files.key,
    qemuKey,
    machine: chosen,
    lastCapability,
  };
  const saving = saveSnapshot(snapshot, {
    qmp: vm.qmp,
    ram,
    directory: room.path,
    allow: (path) => room.give(path),
  });
  await vm.within(`save the snapshot ${name}`, saving);
  return readSnapshot(name);
}
