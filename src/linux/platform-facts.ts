/** Reads what tells which platform this is. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Cpuid, cpuidLeaves, leafName, type Registers } from './cpuid.ts';
import { builtFile, openLibrary } from './native.ts';
import { judgePlatform, paraBuses, type Platform, type PlatformFacts, platformFiles } from './platform.ts';
import { type NamespaceLink, readNamespaces } from './proc.ts';

/** The kernel's PROC_*_INIT_INO. The first mount and network namespaces had no fixed numbers before Linux 6.18. */
const firstNamespaces: Partial<Record<NamespaceLink, number>> = {
  ipc: 0xefffffff,
  uts: 0xeffffffe,
  user: 0xeffffffd,
  pid: 0xeffffffc,
  cgroup: 0xeffffffb,
};

/** Which hypervisor and which container this process is in. */
export const findPlatform = (): Platform => judgePlatform(readPlatformFacts());

export function readPlatformFacts(): PlatformFacts {
  const acpi = attempt(() => readFileSync('/sys/firmware/acpi/tables/FACP', 'latin1').slice(10, 24), undefined);
  const namespaces = attempt(() => readNamespaces(), {});
  return {
    cpuid: attempt<Cpuid>(readCpuid, {}),
    files: Object.fromEntries(
      Object.values(platformFiles).flatMap((path): [string, string][] => {
        const text = attempt(() => readFileSync(path, 'latin1'), undefined);
        return text === undefined ? [] : [[path, text]];
      }),
    ),
    ...(acpi === undefined ? {} : { acpi }),
    buses: Object.fromEntries(
      paraBuses.flatMap((bus): [string, number][] => {
        const devices = attempt(() => readdirSync(`/sys/bus/${bus}/devices`), undefined);
        return devices === undefined ? [] : [[bus, devices.length]];
      }),
    ),
    ownNamespaces: Object.entries(firstNamespaces).flatMap(([name, first]) => {
      const inode = namespaces[name as NamespaceLink];
      return inode === undefined || inode === first ? [] : [name];
    }),
  };
}

/** The leaves that tell of hypervisors. @throws {@link TareError} where libtare.so is not built */
export function readCpuid(): Cpuid {
  const library = openLibrary(builtFile('libtare.so'));
  const registers = Buffer.alloc(16);
  const found = cpuidLeaves.flatMap((leaf): [string, Registers][] => {
    if (library.call('tare_cpuid', 'i32', ['u32', leaf], ['u32', 0], registers) === 0) return [];
    const [eax = 0, ebx = 0, ecx = 0, edx = 0] = [0, 4, 8, 12].map((at) => registers.readUInt32LE(at));
    return [[leafName(leaf), [eax, ebx, ecx, edx]]];
  });
  return Object.fromEntries(found);
}

/** What is not there, or not ours to read, tells nothing. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
