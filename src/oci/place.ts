/** Where containers are kept when `--root` does not say: as runc has it, with our own name. native/oci.c agrees. */
import { inUserNamespace } from '../linux/host.ts';

/** An engine without power over the host runs as root of a user namespace, and has its own runtime directory all the same. */
export function defaultRoot(env: NodeJS.ProcessEnv, uid: number): string {
  const { XDG_RUNTIME_DIR: runtime = '', USER: user } = env;
  const ofUser = runtime !== '' && (uid !== 0 || (inUserNamespace() && user !== 'root'));
  return ofUser ? `${runtime}/tare-oci` : '/run/tare-oci';
}
