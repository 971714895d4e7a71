/** Who would execute a machine's guest here: found out by booting it under KVM once, and remembered. */
import type { Engine } from '../container/engine.ts';
import { madeUpId } from '../container/prepare.ts';
import type { AcceleratorChoice } from '../vm/accelerator.ts';
import { type IsolatedOptions, plainOptions } from './isolation.ts';
import { chooseAcceleratorFor } from './vm-launch.ts';
import { planVm } from './vm-plan.ts';

/** @throws TareError where the machine could not even be planned: no QEMU, no kernel, no disk */
export async function probeAccelerator(engine: Engine, options: IsolatedOptions): Promise<AcceleratorChoice> {
  const { vm: wanted = {}, say = () => {} } = options;
  const plan = await planVm(engine, plainOptions(options), wanted, { id: madeUpId(), say });
  return chooseAcceleratorFor(engine, plan, wanted);
}
