import { expect, test } from 'vitest';
import { canRun, type Diagnosis } from '../../../src/doctor/diagnosis.ts';
import { renderDiagnosis, wrap } from '../../../src/doctor/render.ts';

const seen = (group: Diagnosis['group'], name: string, more: Partial<Diagnosis> = {}): Diagnosis => ({
  group,
  name,
  purpose: 'a test',
  verdict: 'yes',
  fact: 'as it should be',
  vital: false,
  ...more,
});

const reboot = { cure: 'boot with systemd.unified_cgroup_hierarchy=1, or cgroup_no_v1=all where there is no systemd' };
const missing = (name: string, lost: string): Diagnosis =>
  seen('resources', name, { verdict: 'no', fact: `mounted as cgroup v1 at /sys/fs/cgroup/${name}`, lost, ...reboot });

const machine: Diagnosis[] = [
  seen('resources', 'cgroup v2'),
  missing('memory', '-m, --memory-swap, memory statistics, the reason of an OOM kill'),
  missing('pids', '--pids-limit'),
  seen('kernel', 'openat2', { fact: 'paths stay below a root', vital: true }),
  seen('security', 'AppArmor', { verdict: 'info', fact: 'not active: a spec that names a profile is refused' }),
];

test('a page: groups in order, a mark for each, and what follows from a no', () => {
  expect(renderDiagnosis(machine, { columns: 80, color: false })).toMatchInlineSnapshot(`
    "kernel
      ✓ openat2    paths stay below a root

    resources
      ✓ cgroup v2  as it should be
      ✗ memory     mounted as cgroup v1 at /sys/fs/cgroup/memory
          lost: -m, --memory-swap, memory statistics, the reason of an OOM kill
      ✗ pids       mounted as cgroup v1 at /sys/fs/cgroup/pids
          lost: --pids-limit
          cure: boot with systemd.unified_cgroup_hierarchy=1, or cgroup_no_v1=all
                where there is no systemd

    security
      – AppArmor   not active: a spec that names a profile is refused

    Containers run here, with 2 features missing.
    "
  `);
});

test('on a narrow page the facts wrap in their own column', () => {
  expect(renderDiagnosis(machine.slice(0, 2), { columns: 44, color: false })).toMatchInlineSnapshot(`
    "resources
      ✓ cgroup v2  as it should be
      ✗ memory     mounted as cgroup v1 at
                   /sys/fs/cgroup/memory
          lost: -m, --memory-swap, memory
                statistics, the reason of an OOM
                kill
          cure: boot with
                systemd.unified_cgroup_hierarchy=1,
                or cgroup_no_v1=all where there
                is no systemd

    Containers run here, with 1 feature missing.
    "
  `);
});

test('no line is wider than the page, unless a single word is', () => {
  for (const columns of [48, 60, 80, 120]) {
    const lines = renderDiagnosis(machine, { columns, color: false }).split('\n');
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
  }
});

test('colours change nothing but colours', () => {
  const plain = renderDiagnosis(machine, { columns: 80, color: false });
  const coloured = renderDiagnosis(machine, { columns: 80, color: true });
  expect(coloured).not.toBe(plain);
  // oxlint-disable-next-line no-control-regex
  expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(plain);
});

test('a vital no is what containers fail for, and nothing else is', () => {
  const overlay = seen('root filesystem', 'overlayfs', {
    verdict: 'no',
    fact: 'mount an overlay: ENODEV',
    vital: true,
  });
  expect(canRun(machine)).toBe(true);
  expect(canRun([...machine, overlay])).toBe(false);
  expect(renderDiagnosis([overlay], { columns: 80, color: false })).toMatchInlineSnapshot(`
    "root filesystem
      ✗ overlayfs  mount an overlay: ENODEV

    Containers do not run here: see overlayfs.
    "
  `);
});

test('a word that is longer than a line is not broken', () => {
  expect(wrap('see /sys/fs/cgroup/unified/tare there', 12)).toEqual(['see', '/sys/fs/cgroup/unified/tare', 'there']);
});
