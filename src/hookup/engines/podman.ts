/** containers.conf(5): of the files in containers.conf.d each adds to those before it. */
import { dropIn, quoted } from '../drop-in.ts';
import { type HookUp, runtimeName } from '../hook-up.ts';

/** @param directory of containers.conf: the system's, or a user's own */
export const podman = (directory: string): HookUp =>
  dropIn({
    file: `${directory}/containers.conf.d/tare.conf`,
    lines: ({ runtime, isDefault }) => [
      ...(isDefault ? ['[engine]', `runtime = ${quoted(runtimeName)}`, ''] : []),
      '[engine.runtimes]',
      `${runtimeName} = [${quoted(runtime)}]`,
    ],
    use: [`podman --runtime ${runtimeName} run --rm IMAGE`],
  });
