/** The help of `tare vm` and of its actions. */
import { inspectFlags, listFlags, pruneFlags, sweepFlags } from './flags.ts';
import { vmFlags } from './flags/vm.ts';
import type { Page } from './page.ts';

export const vmPage: Page = {
  group: 'Virtual machines',
  summary: 'Keep booted machines, and look at one from inside.',
  usage: 'tare vm ACTION [FLAGS] [ARGUMENTS]',
  about:
    'What there is to do with virtual machines besides running a command in one, which tare run --isolation vm does.',
  groups: [],
  actions: {
    snapshot: {
      summary: 'Boot a guest once, to be resumed from then on.',
      usage: 'tare vm snapshot [FLAGS] IMAGE',
      about:
        'Boot a guest with IMAGE in place and keep it, under --name or the name of the image. It takes the flags of tare run that are about the machine: --memory, --cpus, --network and these.',
      groups: [{ title: 'Isolation', flags: vmFlags }],
      examples: [
        ['tare vm snapshot --name warm busybox', 'boot once'],
        ['tare run --isolation vm --from-snapshot warm busybox echo hi', 'and start in a fraction of it'],
      ],
    },
    list: {
      summary: 'Show what is kept.',
      usage: 'tare vm list [FLAGS]',
      about: 'Show the snapshots of this user.',
      groups: listFlags,
      examples: [['tare vm list', 'their images, machines and sizes']],
    },
    rm: {
      summary: 'Remove snapshots.',
      usage: 'tare vm rm NAME...',
      about: 'Remove snapshots of this user. Guests that were resumed from them go on.',
      groups: sweepFlags,
      examples: [['tare vm rm warm', '']],
    },
    prune: {
      summary: 'Remove kernels, disks and first files that nothing wants.',
      usage: 'tare vm prune [FLAGS]',
      about:
        'Remove what was kept for machines and is no longer wanted: disks of images that have changed, kernels of which there are newer ones. Whatever a machine runs with, a snapshot needs or was used within the last minute stays. What nobody has used for 30 days goes by itself.',
      groups: pruneFlags,
      examples: [
        ['tare vm prune', 'all that is not in use'],
        ['tare vm prune --unused 7', 'what was not used this week'],
      ],
    },
    inspect: {
      summary: 'Show what a guest sees of its machine.',
      usage: 'tare vm inspect [FLAGS]',
      about:
        'Boot a guest and look around in it: who the hypervisor is by CPUID, DMI and ACPI, the clock, and each device with its driver. So what knows that it is not real (virtio) is told from what imitates hardware.',
      groups: inspectFlags,
      examples: [
        ['tare vm inspect', 'para-virtual devices on a board without PCI'],
        ['tare vm inspect --devices emulated', 'a PC of 2009, as far as its kernel can tell'],
      ],
    },
  },
  examples: [
    ['tare vm inspect --devices emulated', 'full emulation, seen from inside'],
    ['tare vm snapshot --name warm busybox', 'boot once, and resume from then on'],
  ],
};
