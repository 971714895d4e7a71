/** The empty machine, under each accelerator that may be used here. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runEmpty } from '../../src/vm/empty.ts';
import { emptyFirmware, emptyProgram } from '../../src/vm/firmware.ts';
import { needs } from './needs.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tare-vm-empty-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

test.runIf(needs('tool:qemu-system-x86_64'))(
  'under TCG it is QEMU that answers, and the machine ends by itself',
  async () => {
    const empty = await runEmpty({ accelerator: 'tcg', cache: dir });
    expect(empty).toMatchObject({ accelerator: 'tcg', hypervisor: 'TCGTCGTCGTCG' });
    expect(empty.toFirstWord).toBeGreaterThan(0);
  },
);

test.runIf(needs('tool:qemu-system-x86_64', 'kvm'))('under KVM it is the kernel that answers', async () => {
  expect(await runEmpty({ accelerator: 'kvm', cache: dir })).toMatchObject({ hypervisor: 'KVMKVMKVM' });
});

test.runIf(needs('tool:qemu-system-x86_64'))(
  'a machine that takes too long is ended, and the error says so',
  async () => {
    await expect(runEmpty({ accelerator: 'tcg', cache: dir, patience: 1 })).rejects.toThrow(
      'start an empty machine under TCG: no end within 0.001 s',
    );
  },
);

test.runIf(needs('tool:objdump'))("a disassembler reads the program's bytes as its text says", () => {
  const file = join(dir, 'program');
  writeFileSync(file, emptyFirmware().subarray(0, emptyProgram.flatMap(({ bytes }) => bytes).length));
  const { stdout } = spawnSync('objdump', ['-D', '-b', 'binary', '-m', 'i8086', '-M', 'intel', file], {
    encoding: 'utf8',
  });
  const read = [...stdout.matchAll(/^ +[0-9a-f]+:\t[^\t]+\t(.*)$/gm)].map(([, text = '']) =>
    text.replaceAll(/\s+/g, ' ').trim(),
  );
  const plain = (text: string): string =>
    text.replaceAll(', ', ',').replaceAll(/0x[0-9a-f]+|\b\d+\b/g, (number) => `0x${Number(number).toString(16)}`);
  expect(read.slice(0, -1)).toEqual(emptyProgram.slice(0, -1).map(({ text }) => plain(text)));
  expect(read.at(-1)).toMatch(/^jmp 0x[0-9a-f]+$/);
});
