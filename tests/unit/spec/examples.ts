/** A host, an image and a user for tests to vary. */
import type { ImageConfig } from '../../../src/spec/image-config.ts';
import type { SpecFacts } from '../../../src/spec/spec-facts.ts';

export const busybox: ImageConfig = { cmd: ['sh'] };

/** Root on an ordinary machine. */
export const host: SpecFacts = {
  id: '0123456789ab',
  rootfs: '/var/lib/tare/0123456789ab/root',
  rootless: false,
  uid: 0,
  gid: 0,
  hostname: 'mill',
  user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
};

/** An ordinary user with subordinate ids. */
export const rootlessHost: SpecFacts = {
  ...host,
  rootless: true,
  uid: 1000,
  gid: 1000,
  subordinate: { uids: [{ start: 100_000, size: 65_536 }], gids: [{ start: 100_000, size: 65_536 }] },
};
