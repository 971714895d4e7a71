/** The machine that this is, and what virtual ones are made of. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from '../../linux/host.ts';
import { findPlatform } from '../../linux/platform-facts.ts';
import { summarizePlatform } from '../../linux/platform.ts';
import { allKept, vmCache } from '../../vm/cache.ts';
import { findVirtiofsd } from '../../vm/volumes.ts';
import { type Finding, info, no, probes, yes } from '../probe.ts';
import { findVersion } from './peers.ts';

const all = 'tare run --isolation vm';

export const machines = probes(
  {
    name: 'platform',
    purpose: 'times mean little without the machine they were measured in',
    lost: '',
    cure: '',
    examine: () => info(summarizePlatform(findPlatform())),
  },
  {
    name: 'QEMU',
    purpose: 'virtual machines',
    lost: all,
    cure: 'apt-get install qemu-system-x86',
    examine: async ({ trials }) => {
      const path = onPath('qemu-system-x86_64');
      if (path === undefined) return no('there is no qemu-system-x86_64');
      const { text } = await trials().output([path, '--version'], []);
      return yes(`${findVersion(text) ?? 'of an unknown version'}, ${path}`);
    },
  },
  {
    name: 'KVM',
    purpose: 'machines at the speed of the processor',
    lost: 'speed: QEMU translates all code of a machine (TCG)',
    cure: 'modprobe kvm_intel or kvm_amd; inside of a machine: switch nested virtualization on, outside',
    cures: { EACCES: 'usermod --append --groups kvm USER, and log in again' },
    examine: () => {
      try {
        closeSync(openSync('/dev/kvm', 'r+'));
        return yes('/dev/kvm opens; if Linux runs under it is seen when the first machine starts');
      } catch (error) {
        const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
        return { ...no(`/dev/kvm: ${errno}`), errno };
      }
    },
  },
  {
    name: 'kernel of machines',
    purpose: "Debian's kernel for clouds, as it is, kept and never installed",
    lost: `${all}, but with a kernel of your own: --kernel`,
    cure: 'apt-get install lz4, on Debian; elsewhere name a kernel: --kernel',
    examine: () => {
      const [newest] = allKept(join(vmCache(), 'kernel'))
        .filter((name) => name.startsWith('linux-image-'))
        .toReversed();
      if (newest !== undefined) return yes(newest);
      const missing = ['apt-get', 'dpkg-deb', 'lz4'].filter((program) => onPath(program) === undefined);
      return missing.length === 0
        ? info('the first machine downloads it (27 MB)')
        : no(`there is no ${missing.join(', ')}`);
    },
  },
  {
    name: 'disks of machines',
    purpose: 'images as disks, made without root and without a loop device',
    lost: all,
    cure: 'apt-get install erofs-utils',
    // mke2fs cannot give root what an ordinary user owns.
    examine: ({ status }) => tool('mkfs.erofs', 'mksquashfs', ...(status.uid.effective === 0 ? ['mke2fs'] : [])),
  },
  {
    name: 'volumes of machines',
    purpose: 'virtiofs: directories of the host in a machine',
    lost: 'tare run --isolation vm -v',
    cure: 'apt-get install qemu-system-common, or virtiofsd where there is such a package',
    examine: () => {
      const path = findVirtiofsd();
      return path === undefined ? no('there is no virtiofsd') : yes(path);
    },
  },
);

/** The first of some programs that will do. */
function tool(...programs: readonly string[]): Finding {
  const path = programs.map(onPath).find((found) => found !== undefined);
  return path === undefined ? no(`there is no ${programs.join(', no ')}`) : yes(path);
}
