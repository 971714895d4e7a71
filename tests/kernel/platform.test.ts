/** What CPUID says here, against what the kernel has read of it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { platform } from '../../src/index.ts';
import { hasHypervisorBit, leafName } from '../../src/linux/cpuid.ts';
import { readCpuid, readPlatformFacts } from '../../src/linux/platform-facts.ts';
import { inspectionScript, parseInspection } from '../../src/vm/inspection.ts';
import { needs } from './needs.ts';

const cpuinfo = readFileSync('/proc/cpuinfo', 'utf8');
const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(cpuinfo)?.[1] ?? '';

test.runIf(process.arch === 'x64')('the instruction is executed: the kernel has found the same processor', () => {
  const cpuid = readCpuid();
  const [signature] = cpuid[leafName(1)] ?? [0];
  const family = (signature >>> 8) & 15;
  expect(family === 15 ? family + ((signature >>> 20) & 255) : family).toBe(Number(field('cpu family')));
  expect(signature & 15).toBe(Number(field('stepping')));
  expect(hasHypervisorBit(cpuid)).toBe(field('flags').split(' ').includes('hypervisor'));
});

test('this machine is in a hypervisor exactly if its processor says so', () => {
  const { hypervisor, processor, evidence } = platform();
  expect(hypervisor !== undefined).toBe(/^flags.* hypervisor( |$)/m.test(cpuinfo));
  expect(processor === 'none').toBe(hypervisor === undefined);
  expect(evidence.length).toBeGreaterThan(0);
});

test.runIf(needs('tool:busybox'))('the shell of a guest would find what we find', () => {
  const { stdout, stderr } = spawnSync('busybox', ['sh'], { input: inspectionScript(), encoding: 'utf8' });
  expect(stderr).toBe('');
  const { platform: seen, devices } = parseInspection(stdout);
  const ours = readPlatformFacts();
  expect(seen.buses).toEqual(ours.buses);
  expect(Object.keys(seen.files).toSorted()).toEqual(Object.keys(ours.files).toSorted());
  expect(seen.acpi).toBe(ours.acpi?.trim());
  expect(devices.filter(({ bus }) => bus === 'virtio').length).toBe(ours.buses.virtio ?? 0);
});
