import { problem } from '../problem.ts';
import { numbered, repeated } from './check.ts';
import type { Check } from './check.ts';

export const deviceChecks: readonly Check[] = [
  {
    name: 'a device has a number, a FIFO has none ("Devices")',
    path: '/linux/devices',
    *rule({ linux }) {
      for (const [index, device] of numbered(linux?.devices)) {
        if (device.type === undefined || device.type === 'p') continue;
        for (const field of ['major', 'minor'] as const) {
          if (!(field in device)) yield problem(`/linux/devices/${index}/${field}`, 'must be given for a device');
        }
      }
    },
  },
  {
    name: 'devices lie at places of their own',
    path: '/linux/devices',
    *rule({ linux }) {
      for (const [index, { path }] of repeated(linux?.devices, (device) => device.path)) {
        yield problem(`/linux/devices/${index}/path`, `must not be ${path}, where an earlier one lies`);
      }
    },
  },
];
