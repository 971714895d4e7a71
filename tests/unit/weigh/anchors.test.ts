import { expect, test } from 'vitest';
import { publications } from '../../../src/weigh/anchors.ts';

const anchors = publications.flatMap((publication) => publication.anchors.map((anchor) => ({ publication, anchor })));

test('anchors are these, to the digits of their sources', () => {
  const lines = anchors.map(({ publication, anchor: { subject, question, value, unit, statistic } }) =>
    [publication.name, question, subject, Number(value.toPrecision(5)), unit, `(${statistic})`].join(' '),
  );
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "nsdi20 start Firecracker, end to end 160.85 ms (median of 500)
    nsdi20 start Firecracker, by its own timer 110 ms (median of 500)
    nsdi20 start Cloud Hypervisor 102.46 ms (median of 500)
    nsdi20 start QEMU 243.52 ms (median of 500)
    nsdi20 start QEMU with qboot 213.94 ms (median of 500)
    nsdi20 memory Firecracker 2.4922 MiB (one reading at 256 MiB)
    nsdi20 memory Cloud Hypervisor 13.344 MiB (one reading at 256 MiB)
    nsdi20 memory QEMU 131.3 MiB (one reading at 256 MiB)
    sosp17 start LightVM, a unikernel on Xen 2.3 ms (as quoted)
    sosp17 start fork and exec on Linux 1 ms (as quoted)
    crun start crun 16.9 ms (mean of 100, by division)
    crun start runc 33.4 ms (mean of 100, by division)
    youki start youki 0.3.3 111.5 ms (mean of at least 100)
    youki start runc 1.1.7 224.6 ms (mean of at least 100)
    youki start crun 1.15 47.3 ms (mean of at least 100)
    hotcloud19 start runc, by Docker 1014 ms (as quoted)
    hotcloud19 start gVisor with KVM, by Docker 1117 ms (as quoted)
    hotcloud19 start gVisor with ptrace, by Docker 1181 ms (as quoted)
    hotcloud19 syscalls runc: gettimeofday 1.3182 times (as quoted)
    hotcloud19 syscalls runc: open and close 1.1765 times (as quoted)
    hotcloud19 syscalls gVisor: simple system calls 2.2 times (at least)
    hotcloud19 syscalls gVisor: open and close on an external tmpfs 216 times (as quoted)
    felter2015 cpu KVM, untuned: PXZ 0.78 times (as quoted)
    felter2015 bandwidth Docker: STREAM triad 0.99912 times (means of 8 and 9 logged runs)
    felter2015 bandwidth KVM: STREAM triad 0.98771 times (means of 7 and 8 logged runs)
    felter2015 bandwidth Docker: RandomAccess 1.0175 times (mean of 10)
    felter2015 bandwidth KVM: RandomAccess 1.011 times (mean of 10)
    felter2015 network natively: one stream 1162.5 MB/s (as quoted: 9.3 Gbit/s)
    felter2015 network Docker, through its NAT: one stream 1162.5 MB/s (as quoted: 9.3 Gbit/s)
    felter2015 network KVM, vhost: one stream 1162.5 MB/s (as quoted: 9.3 Gbit/s)
    felter2015 network Docker, through its NAT: request and response 2 times (as quoted)
    felter2015 network KVM, vhost: request and response 1.8 times (as quoted)
    felter2015 disk KVM: 4 KiB random reads 0.5 times (as quoted: half)
    felter2015 app KVM: Redis, more than 100 connections 1 times (as quoted: almost the same)"
  `);
});

test('each says how it differs from ours, and a publication without any says why', () => {
  for (const { anchor } of anchors) expect(anchor.differs).toMatch(/[Dd]ifferent (definition|machine|backend)/);
  for (const { anchors: own, checked } of publications)
    expect(own.length > 0 || checked.includes('could not')).toBe(true);
});

test('a ratio says to what, and nothing else does', () => {
  for (const { anchor } of anchors) expect(anchor.to !== undefined).toBe(anchor.unit === 'times');
});
