import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describePlatform, judgePlatform, type Platform, summarizePlatform } from '../../../src/linux/platform.ts';
import { parseInspection } from '../../../src/vm/inspection.ts';

const home = join(import.meta.dirname, '../../../fixtures/platform');
const names = readdirSync(home)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => name.replace('.txt', ''));
const judge = (name: string): Platform =>
  judgePlatform(parseInspection(readFileSync(join(home, `${name}.txt`), 'utf8')).platform);

test('every platform of which facts were captured is known for what it is', () => {
  const verdicts = Object.fromEntries(names.map((name) => [name, summarizePlatform(judge(name))]));
  expect(verdicts).toMatchInlineSnapshot(`
    {
      "bare-metal": "bare metal",
      "firecracker-kvm": "KVM by Firecracker: type 1, full virtualization with virtio devices",
      "hyper-v": "Hyper-V: type 1, full virtualization with vmbus devices",
      "kvm-for-windows": "KVM by QEMU: type 1, full virtualization",
      "kvm-q35": "KVM by QEMU: type 1, full virtualization with virtio devices",
      "podman-on-ec2": "in a container (podman) in KVM by Amazon Nitro: type 1, full virtualization",
      "qemu-tcg-hidden": "an unknown hypervisor by QEMU: full virtualization",
      "qemu-tcg-microvm": "QEMU TCG: type 2, full virtualization with virtio devices",
      "qemu-tcg-pc-emulated": "QEMU TCG: type 2, full virtualization",
      "qemu-tcg-q35-virtio": "QEMU TCG: type 2, full virtualization with virtio devices",
      "unknown": "an unknown hypervisor: full virtualization",
      "virtualbox": "VirtualBox: type 2, full virtualization",
      "vmware": "VMware: type 1 or 2, full virtualization",
      "wsl2": "in a container (wsl) in Hyper-V: type 1, full virtualization with vmbus devices",
      "xen-dom0": "Xen: type 1, para-virtualization",
      "xen-hvm": "Xen: type 1, full virtualization with xen devices",
      "xen-pv": "Xen: type 1, para-virtualization",
    }
  `);
});

test('a description says what the verdict rests on', () => {
  const text = (name: string): string =>
    describePlatform(judge(name))
      .map(([label, line]) => `${label}: ${line}`)
      .join('\n');
  expect(text('xen-hvm')).toMatchInlineSnapshot(`
    "platform: Xen: type 1, full virtualization with xen devices
    type: 1: it runs on the hardware itself
    processor: full: the kernel runs on it unchanged, and need not know
    devices: para-virtual: 2 on xen
    clock: xen, kept by the hypervisor
    because: CPUID 0x40000000 says XenVMMXenVMM
    because: DMI says Xen HVM domU
    because: /sys/hypervisor/type says xen, a guest of type HVM"
  `);
  expect(text('virtualbox')).toMatchInlineSnapshot(`
    "platform: VirtualBox: type 2, full virtualization
    type: 2: a program of the host runs the guest
    processor: full: the kernel runs on it unchanged, and need not know
    devices: none para-virtual
    clock: kvm-clock, kept by the hypervisor
    because: CPUID 0x40000000 says KVMKVMKVM
    because: DMI says innotek GmbH VirtualBox"
  `);
  expect(text('podman-on-ec2')).toMatchInlineSnapshot(`
    "platform: in a container (podman) in KVM by Amazon Nitro: type 1, full virtualization
    type: 1: a part of the host’s kernel; 2 to those who count QEMU and its like to it
    processor: full: the kernel runs on it unchanged, and need not know
    devices: none para-virtual
    clock: kvm-clock, kept by the hypervisor
    container: podman
    because: CPUID 0x40000000 says KVMKVMKVM
    because: DMI says Amazon EC2 t3.micro
    because: /run/.containerenv is a mark of podman; this process has namespaces of its own: ipc, pid, uts"
  `);
  expect(text('firecracker-kvm')).toMatchInlineSnapshot(`
    "platform: KVM by Firecracker: type 1, full virtualization with virtio devices
    type: 1: a part of the host’s kernel; 2 to those who count QEMU and its like to it
    processor: full: the kernel runs on it unchanged, and need not know
    devices: para-virtual: 2 on virtio
    clock: tsc
    because: CPUID 0x40000000 says KVMKVMKVM
    because: DMI or ACPI says FIRECKFCVMFADT
    because: /.dockerenv is a mark of docker; this process has no namespaces of its own"
  `);
});

test('where nothing can be read, nothing is claimed', () => {
  const nothing = { cpuid: {}, files: {}, buses: {}, ownNamespaces: [] };
  expect(summarizePlatform(judgePlatform(nothing))).toBe('no sign of a hypervisor');
  expect(judgePlatform(nothing).evidence).toEqual([]);
});
