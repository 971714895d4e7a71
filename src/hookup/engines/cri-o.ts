/** crio.conf.d(5). */
import { dropIn, quoted } from '../drop-in.ts';
import { type HookUp, runtimeName } from '../hook-up.ts';

export const crio: HookUp = dropIn({
  file: '/etc/crio/crio.conf.d/50-tare.conf',
  lines: ({ runtime, isDefault }) => [
    ...(isDefault ? ['[crio.runtime]', `default_runtime = ${quoted(runtimeName)}`, ''] : []),
    `[crio.runtime.runtimes.${runtimeName}]`,
    `runtime_path = ${quoted(runtime)}`,
    'runtime_type = "oci"',
    'runtime_root = "/run/tare-oci"',
  ],
  reload: 'systemctl restart crio',
  use: ['tare oci install --for kubernetes'],
});
