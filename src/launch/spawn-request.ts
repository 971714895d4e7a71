/** What `tare_spawn` is asked, as one block: `struct spawn` of native/child.h, the bootstrap and the program. Pure. */
import { TareError } from '../errors.ts';
import { type Arch, errnoName } from '../linux/abi.ts';
import { archValue, type Named } from '../linux/flags.ts';
import type { Bootstrap } from './bootstrap.ts';
import type { Encoded } from './encode.ts';

interface Cloned {
  readonly cloneFlags: Named;
  readonly cgroup?: number;
}

/** Layout of `struct spawn`, native/child.h. */
export const request = {
  flags: 8,
  cgroup: 16,
  bootstrap: 20,
  program: 28,
  memoryCell: 36,
  syncCell: 40,
  answer: 44,
  size: 80,
};
export const steps = ['', 'keep the launch program', 'open the sync socket', 'clone3', 'bootstrap', 'follow the child'];

export interface Boot {
  readonly boot: Bootstrap;
  readonly encoded: Encoded;
}

export function pack(id: number, options: Cloned, { boot, encoded }: Boot, program: Encoded, arch: Arch): Buffer {
  const bootAt = request.size;
  const programAt = Math.ceil((bootAt + encoded.bytes.length) / 16) * 16;
  // Not from Node's pool: the bootstrap's addresses must hold until the call is over.
  const block = Buffer.allocUnsafeSlow(programAt + program.bytes.length);
  block.fill(0, 0, request.size);
  block.writeBigUInt64LE(BigInt(id), 0);
  block.writeUInt32LE(Number(archValue(options.cloneFlags.value, arch)), request.flags);
  block.writeInt32LE(options.cgroup ?? -1, request.cgroup);
  block.writeUInt32LE(bootAt, request.bootstrap);
  block.writeUInt32LE(encoded.bytes.length, request.bootstrap + 4);
  block.writeUInt32LE(programAt, request.program);
  block.writeUInt32LE(program.bytes.length, request.program + 4);
  block.writeUInt32LE(encoded.cells.get(boot.memory)?.offset ?? 0, request.memoryCell);
  block.writeUInt32LE(encoded.cells.get(boot.sync)?.offset ?? 0, request.syncCell);
  encoded.bytes.copy(block, bootAt);
  program.bytes.copy(block, programAt);
  for (const { at, text } of program.patches ?? []) block.write(text, programAt + at);
  return block;
}

export function spawnError(step: string, error: number, options: Cloned): TareError {
  const errno = errnoName(error);
  const hints: Record<string, string> = {
    EAGAIN: 'the limit on processes is reached: see ulimit -u and pids.max of the cgroup',
    ENOSPC: 'the limit on nested or counted namespaces is reached: see /proc/sys/user/max_*_namespaces',
    EUSERS: 'user namespaces are nested too deeply',
    EPERM:
      'creating namespaces needs root or a user namespace, and a system that lets ordinary users make one: run tare doctor',
    EMFILE: 'the limit on open files is reached: raise ulimit -n',
  };
  return new TareError(`start a process (${step}(${options.cloneFlags.text}))`, { errno, hint: hints[errno] });
}
