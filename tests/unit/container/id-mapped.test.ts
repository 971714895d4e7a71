import { expect, test } from 'vitest';
import { unreachableMounts } from '../../../src/container/id-mapped.ts';
import type { Mount, Spec } from '../../../src/spec/spec.ts';

const ids = [{ containerID: 0, hostID: 100_000, size: 1000 }];
const withBind = (source: string): Spec => ({
  ociVersion: '1.3.0',
  process: { cwd: '/', args: ['true'], user: { uid: 0, gid: 0 } },
  root: { path: 'rootfs' },
  mounts: [{ destination: '/mnt', type: 'bind', source, options: ['bind'] } satisfies Mount],
  linux: { namespaces: [{ type: 'mount' }, { type: 'user' }], uidMappings: ids, gidMappings: ids },
});

test('a source that is not there is left to who would mount it, and says so', () => {
  expect(unreachableMounts(withBind('/no/such/directory'), false)).toEqual([]);
});

test('what everybody can reach is not taken by the host', () => {
  expect(unreachableMounts(withBind('/usr/share'), false)).toEqual([]);
});
