import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../../src/weigh/report/page/findings.ts';
import type { Weighing } from '../../../../src/weigh/types/result.ts';
import { example, withoutMachine } from './example.ts';

const told = (weighing: Weighing): string =>
  findingsOf(weighing)
    .map(({ title, figure, claim, because }) => [`${title}: ${figure}`, claim, ...because].join('\n  '))
    .join('\n')
    .replaceAll(/[\u00a0\u2009]/g, ' ');

describe('what a weighing means', () => {
  test('is told in sentences, with its own numbers', () => {
    expect(told(example)).toMatchInlineSnapshot(`
      "A container starts: 526× faster
        than a virtual machine: 3.31 ms (tare, library) against 1.74 s (QEMU microvm, TCG), from the request until nothing is left (95 %: 518–539×).
        The machine brings its own kernel, which has to start first: “kernel” alone takes 1.16 s, 67.8 % of the start that was followed.
        Its accelerator is TCG, which translates every instruction: under KVM the processor executes most of them itself.
        The container borrows the kernel that already runs, and asks it for 2 things: the longest, “unshare(CLONE_NEWNET)”, takes 560 µs.
        Containers differ among themselves: 18.6 ms (crun run) is the slowest measured.
      Isolation adds to a start: + 2.57 ms
        where tare, library starts the program, and not the bare process that takes 740 µs: 4.47× (95 %: 4.36–4.54×).
        It buys 6 namespaces (pid, mount, uts, ipc, network, cgroup), a root of its own (overlay), a cgroup and a seccomp filter.
      An idle virtual machine takes: 146× more
        of the host’s memory than a container: 103 MiB (QEMU microvm, TCG) against 0.707 MiB (tare, library) (95 %: 144–148×).
        Of what QEMU microvm, TCG adds, 94.1 % (96.8 MiB) is its helpers.
      Asked for 50 at once, this machine starts: 550/s
        of containers (tare, library); of the slowest measured (crun run), 111/s.
        Of bare processes, 2777/s."
    `);
  });

  test('says why where there is no virtual machine', () => {
    expect(told(withoutMachine)).toMatchInlineSnapshot(`
      "A container beside a virtual machine: –
        a virtual machine: not measured: QEMU microvm, TCG: no QEMU (apt-get install qemu-system-x86).
      Isolation adds to a start: + 2.57 ms
        where tare, library starts the program, and not the bare process that takes 740 µs: 4.47× (95 %: 4.36–4.54×).
        It buys 6 namespaces (pid, mount, uts, ipc, network, cgroup), a root of its own (overlay), a cgroup and a seccomp filter.
      Memory of a virtual machine: –
        a virtual machine: not measured: QEMU microvm, TCG: no QEMU (apt-get install qemu-system-x86).
      Asked for 50 at once, this machine starts: 550/s
        of containers (tare, library); of the slowest measured (crun run), 111/s.
        Of bare processes, 2777/s."
    `);
  });

  test('does not invent a reason for a machine whose start was not followed', () => {
    expect(told({ ...example, timelines: [] })).toContain('not measured: no timeline of QEMU microvm, TCG');
  });

  test('says what the numbers say, and not what we expect of them', () => {
    const exchanged = JSON.parse(
      JSON.stringify(example)
        .replaceAll('"backend":"qemu-tcg"', '"backend":"?"')
        .replaceAll('"backend":"tare"', '"backend":"qemu-tcg"')
        .replaceAll('"backend":"?"', '"backend":"tare"'),
    ) as Weighing;
    const [start] = findingsOf({ ...exchanged, backends: exchanged.backends.filter(({ name }) => name !== 'crun') });
    expect(start?.figure).toBe('526× slower');
  });

  test('claims nothing of samples that overlap', () => {
    const [question] = example.questions;
    const own = question?.series.find(({ backend, variant }) => backend === 'tare' && variant === 'warm');
    const same =
      question?.series.map((one) => (one.backend === 'qemu-tcg' ? { ...own!, backend: 'qemu-tcg' } : one)) ?? [];
    const weighing = { ...example, questions: [{ ...question!, series: same }] };
    const [finding] = findingsOf(weighing);
    expect(finding?.figure).toBe('=');
    expect(finding?.claim).toContain('no difference can be claimed');
  });

  test('is told with less certainty of samples that are few, though far apart', () => {
    const [question] = example.questions;
    const shortened = question!.series.map((one) => {
      const gone = (one.values.gone ?? []).slice(0, 2);
      const [min, max] = [Math.min(...gone), Math.max(...gone)];
      return {
        ...one,
        values: { gone },
        summaries: { gone: { ...one.summaries.gone!, count: 2, min, max, median: (min + max) / 2 } },
      };
    });
    const [finding, adds] = findingsOf({ ...example, questions: [{ ...question!, series: shortened }] });
    expect(finding?.figure).toMatch(/^about 5\d\d× faster$/);
    expect(finding?.claim).toContain('(of only 2 samples, too few for an interval)');
    expect(adds?.claim).toContain('(of only 2 samples, too few for an interval)');
  });

  test('divides by nothing that may be nothing', () => {
    const memory = example.questions.find(({ name }) => name === 'memory');
    const series = memory!.series.map((one) => {
      const added = (one.values.added ?? []).map((value) => value - 0.8);
      const [min, median] = [Math.min(...added), (one.summaries.added?.median ?? 0) - 0.8];
      const summaries = { ...one.summaries, added: { ...one.summaries.added!, min, median } };
      return { ...one, values: { ...one.values, added }, summaries };
    });
    const [finding] = findingsOf({ ...example, questions: [{ ...memory!, series }] });
    expect(finding?.figure).toMatch(/^10\d[\s\u00a0\u2009]MiB more$/);
    expect(finding?.claim).toContain('which is nothing as far as can be told');
  });

  test('is nothing where nothing was asked', () => expect(findingsOf({ ...example, questions: [] })).toEqual([]));
});
