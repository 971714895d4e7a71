import { problem } from '../problem.ts';
import { check, numbered, repeated } from './check.ts';

export const deviceChecks = [
  check('a device has a number, a FIFO has none ("Devices")', '/linux/devices', function* ({ linux }) {
    for (const [index, device] of numbered(linux?.devices)) {
      if (device.type === undefined || device.type === 'p') continue;
      for (const field of ['major', 'minor'] as const) {
        if (!(field in device)) yield problem(`/linux/devices/${index}/${field}`, 'must be given for a device');
      }
    }
  }),
  check('devices lie at places of their own', '/linux/devices', function* ({ linux }) {
    for (const [index, { path }] of repeated(linux?.devices, (device) => device.path)) {
      yield problem(`/linux/devices/${index}/path`, `must not be ${path}, where an earlier one lies`);
    }
  }),
];
