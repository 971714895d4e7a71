import type { DeviceRequest } from '../../spec/request.ts';
import type { Form } from '../flag.ts';
import { hostPath, containerPath } from './words.ts';

const permissions = /^(?!.*(.).*\1)[rwm]{1,3}$/;

/** As in Docker, a second part that reads as permissions is that, and no path. */
export const device: Form<DeviceRequest> = {
  expects: 'SRC[:DST][:PERMISSIONS], such as /dev/fuse or /dev/sda:/dev/disk:r; permissions are of r, w and m',
  read: (value, complain, context) => {
    const [from = '', ...more] = value.split(':');
    const access = permissions.test(more.at(-1) ?? '') ? more.pop() : undefined;
    const [at = from, ...rest] = more;
    if (rest.length > 0) {
      complain(`${rest.length === 1 ? 'no such permissions' : 'too many colons'}`);
      return undefined;
    }
    const source = hostPath.read(from, complain, context);
    const target = containerPath(more.length === 0 ? (source ?? '/') : at, complain);
    if (source === undefined || target === undefined) return undefined;
    return { source, target, permissions: access ?? 'rwm' };
  },
};
