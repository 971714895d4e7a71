/** tare-init in a file without a name that nobody can change: what executes it cannot be reached through /proc/self/exe (CVE-2019-5736). */
import { F, F_SEAL, flags, MFD } from '../linux/flags.ts';
import type { Host } from '../linux/host.ts';
import { type Cell, data, type ProgramBuilder } from './program.ts';

/** Since Linux 6.3 an executable memfd is asked for by name: vm.memfd_noexec may refuse the others. */
export const asksForExec = ({ kernel: [major, minor] }: Pick<Host, 'kernel'>): boolean =>
  major > 6 || (major === 6 && minor >= 3);

/** @returns the cell of its fd */
export function sealTareInit(b: ProgramBuilder, bytes: Uint8Array, execFlag: boolean): Cell {
  const create = flags(MFD, 'CLOEXEC', 'ALLOW_SEALING', ...(execFlag ? (['EXEC'] as const) : []));
  const memory = b.result('memory', 'create memory for tare-init', 'memfd_create', ['tare-init', create], {
    hints: { EACCES: 'the sysctl vm.memfd_noexec is 2: containers are started from such memory' },
  });
  b.op('fill in tare-init', 'write', [memory, data('tare-init', [{ bytes }]), bytes.length], { min: bytes.length });
  const seals = flags(F_SEAL, 'SEAL', 'SHRINK', 'GROW', 'WRITE');
  b.op('seal tare-init', 'fcntl', [memory, flags(F, 'ADD_SEALS'), seals]);
  return memory;
}
