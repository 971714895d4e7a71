import { describe, expect, test } from 'vitest';
import { compileLimits } from '../../../src/cgroup/limits.ts';
import { expandSlice, limitProperties, scopeName, scopeProperties } from '../../../src/cgroup/systemd-unit.ts';
import type { Resources } from '../../../src/spec/resources.ts';

describe('slices lie in slices, by their names: systemd.slice(5)', () => {
  test.each([
    ['system.slice', '/system.slice'],
    ['machine-web-1.slice', '/machine.slice/machine-web.slice/machine-web-1.slice'],
    ['-.slice', ''],
  ])('%s', (slice, path) => expect(expandSlice(slice)).toBe(path));

  test.each(['system', 'a/b.slice', '-a.slice', 'a--b.slice', 'a-.slice', '.slice', ''])('%j is none', (slice) =>
    expect(() => expandSlice(slice)).toThrow(/find the slice/),
  );
});

describe('scopes', () => {
  test.each([
    ['machine.slice:libpod:c0ffee', 'libpod-c0ffee.scope', '/machine.slice/libpod-c0ffee.scope'],
    [':docker:c0ffee', 'docker-c0ffee.scope', '/system.slice/docker-c0ffee.scope'],
    ['a-b.slice::name', 'name.scope', '/a.slice/a-b.slice/name.scope'],
    [undefined, 'tare-web.scope', '/system.slice/tare-web.scope'],
    ['', 'tare-web.scope', '/system.slice/tare-web.scope'],
    [':p:a+b', 'p-a\\x2bb.scope', '/system.slice/p-a\\x2bb.scope'],
  ])('%s', (cgroupsPath, name, path) => {
    const request = { id: 'web', ...(cgroupsPath === undefined ? {} : { cgroupsPath }) };
    expect(scopeName(request, 'system.slice')).toMatchObject({ name, path });
  });

  test.each(['/system.slice/web', 'a.slice:b', 'a:b:c:d', '::', 'a.slice:b:c/d', 'a.slice:b:c.slice'])(
    '%j is of another form',
    (cgroupsPath) => {
      const named = () => scopeName({ id: 'web', cgroupsPath }, 'system.slice');
      expect(named).toThrow(/expected cgroupsPath to be of format "slice:prefix:name"/);
    },
  );

  test('its properties', () => {
    const properties = scopeProperties('web', 'machine.slice', []);
    expect(Object.fromEntries(properties.map(([name, { value }]) => [name, value]))).toMatchInlineSnapshot(`
      {
        "CPUAccounting": true,
        "CollectMode": "inactive-or-failed",
        "DefaultDependencies": false,
        "Delegate": true,
        "Description": "container web",
        "IOAccounting": true,
        "MemoryAccounting": true,
        "Slice": "machine.slice",
        "TasksAccounting": true,
      }
    `);
  });
});

describe('limits in the words of systemd.resource-control(5)', () => {
  const infinity = 2n ** 64n - 1n;
  const wordsOf = (resources: Resources) =>
    limitProperties(compileLimits(resources)).map(([name, { signature, value }]) => [name, signature, value]);

  test.each<[string, Resources, unknown[]]>([
    ['memory', { memory: { limit: 67108864 } }, [['MemoryMax', 't', 67108864n]]],
    [
      'memory, swap and what is protected',
      { memory: { limit: 100, swap: 300, reservation: 50 } },
      [
        ['MemorySwapMax', 't', 200n],
        ['MemoryMax', 't', 100n],
        ['MemoryLow', 't', 50n],
      ],
    ],
    [
      'no limit',
      { memory: { limit: -1 }, pids: { limit: -1 } },
      [
        ['MemorySwapMax', 't', infinity],
        ['MemoryMax', 't', infinity],
        ['TasksMax', 't', infinity],
      ],
    ],
    ['tasks', { pids: { limit: 77 } }, [['TasksMax', 't', 77n]]],
    ['CPU weight', { cpu: { shares: 512 } }, [['CPUWeight', 't', 59n]]],
    [
      'CPU time, rounded up to hundredths of a CPU',
      { cpu: { quota: 50001, period: 100000 } },
      [
        ['CPUQuotaPerSecUSec', 't', 510000n],
        ['CPUQuotaPeriodUSec', 't', 100000n],
      ],
    ],
    [
      'CPU time without limit',
      { cpu: { quota: -1, period: 50000 } },
      [
        ['CPUQuotaPerSecUSec', 't', infinity],
        ['CPUQuotaPeriodUSec', 't', 50000n],
      ],
    ],
    [
      'CPUs and memory nodes, as bits',
      { cpu: { cpus: '0-2,9', mems: '0' } },
      [
        ['AllowedCPUs', 'ay', [0b111, 0b10]],
        ['AllowedMemoryNodes', 'ay', [1]],
      ],
    ],
    ['I/O weight', { blockIO: { weight: 1000 } }, [['IOWeight', 't', 10000n]]],
    [
      'I/O by device',
      {
        blockIO: {
          weightDevice: [{ major: 8, minor: 0, weight: 10 }],
          throttleReadBpsDevice: [
            { major: 8, minor: 0, rate: 1000 },
            { major: 8, minor: 16, rate: 2000 },
          ],
          throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 30 }],
        },
      },
      [
        ['IODeviceWeight', 'a(st)', [['/dev/block/8:0', 1n]]],
        [
          'IOReadBandwidthMax',
          'a(st)',
          [
            ['/dev/block/8:0', 1000n],
            ['/dev/block/8:16', 2000n],
          ],
        ],
        ['IOWriteIOPSMax', 'a(st)', [['/dev/block/8:0', 30n]]],
      ],
    ],
    ['by the files of cgroup v2', { unified: { 'memory.high': '4096' } }, [['MemoryHigh', 't', 4096n]]],
    ['what systemd has no word for', { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }, []],
  ])('%s', (_, resources, properties) => expect(wordsOf(resources)).toEqual(properties));
});
