import { pointer, problem } from '../problem.ts';
import { check, named, numbered, repeated } from './check.ts';

const at = '/linux/resources';

export const resourceChecks = [
  check('memory plus swap is at least memory ("Memory")', `${at}/memory/swap`, function* ({ linux }) {
    const { limit, swap } = linux?.resources?.memory ?? {};
    if (swap === undefined || swap === -1) return;
    if (limit === undefined || limit === -1) {
      if (swap !== 0) yield problem(`${at}/memory/swap`, 'needs a memory limit: it counts memory and swap together');
    } else if (swap < limit && swap !== 0) {
      yield problem(`${at}/memory/swap`, `must be at least the memory limit of ${limit}: it counts both together`);
    }
  }),
  check('CPU time is what the kernel takes ("CPU")', `${at}/cpu`, function* ({ linux }) {
    const { shares, quota, period, burst } = linux?.resources?.cpu ?? {};
    if (shares === 1) yield problem(`${at}/cpu/shares`, 'must be from 2 to 262144, or 0 to leave it alone');
    if (quota !== undefined && quota > 0 && quota < 1000) {
      yield problem(`${at}/cpu/quota`, 'must be at least 1000 microseconds, or -1 for no limit');
    }
    if (period !== undefined && period > 0 && period < 1000) {
      yield problem(`${at}/cpu/period`, 'must be from 1000 to 1000000 microseconds');
    }
    if (burst !== undefined && quota !== undefined && quota > 0 && burst > quota) {
      yield problem(`${at}/cpu/burst`, `must not be above the quota of ${quota}`);
    }
  }),
  check('I/O weights are what the kernel takes ("Block IO")', `${at}/blockIO`, function* ({ linux }) {
    const { weight, leafWeight, weightDevice } = linux?.resources?.blockIO ?? {};
    const weights: [string, number | undefined][] = [
      ['weight', weight],
      ['leafWeight', leafWeight],
    ];
    for (const [index, device] of numbered(weightDevice)) {
      if (!('weight' in device || 'leafWeight' in device)) {
        yield problem(`${at}/blockIO/weightDevice/${index}`, 'must give weight or leafWeight');
      }
      weights.push([`weightDevice/${index}/weight`, device.weight]);
      weights.push([`weightDevice/${index}/leafWeight`, device.leafWeight]);
    }
    for (const [field, value] of weights) {
      if (value === undefined || value === 0 || value >= 10) continue;
      yield problem(`${at}/blockIO/${field}`, 'must be from 10 to 1000, or 0 to leave it alone');
    }
  }),
  check('each size of huge pages is limited once', `${at}/hugepageLimits`, function* ({ linux }) {
    const limits = linux?.resources?.hugepageLimits;
    for (const [index, { pageSize }] of repeated(limits, (limit) => limit.pageSize)) {
      yield problem(`${at}/hugepageLimits/${index}`, `must not limit ${pageSize} again`);
    }
  }),
  check('an RDMA limit limits something ("RDMA")', `${at}/rdma`, function* ({ linux }) {
    for (const [device, limits] of named(linux?.resources?.rdma)) {
      if ('hcaHandles' in limits || 'hcaObjects' in limits) continue;
      yield problem(`${at}/rdma${pointer(device)}`, 'must give hcaHandles or hcaObjects');
    }
  }),
  check('the cgroup lies below the root of cgroups ("Cgroups Path")', '/linux/cgroupsPath', function* ({ linux }) {
    if (linux?.cgroupsPath?.split('/').includes('..') !== true) return;
    yield problem('/linux/cgroupsPath', 'must not lead up with ..');
  }),
];
