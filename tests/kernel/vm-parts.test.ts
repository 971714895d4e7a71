/** What virtual machines are made of: a kernel from Debian's package, and disks; made here, looked into by other programs. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDisk } from '../../src/vm/disk.ts';
import { isElf } from '../../src/vm/elf.ts';
import { findKernel, moduleFiles } from '../../src/vm/kernel.ts';
import { needs } from './needs.ts';

let dir: string;
let image: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tare-vm-parts-'));
  image = join(dir, 'image');
  mkdirSync(join(image, 'bin'), { recursive: true });
  writeFileSync(join(image, 'bin/tool'), 'x'.repeat(100_000), { mode: 0o755 });
  symlinkSync('tool', join(image, 'bin/link'));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** As other programs see the file in a disk of each format. */
const readers = {
  erofs: (disk: string) => ['dump.erofs', ['--path=/bin/tool', disk], /Size: 100000 .*(\n.*)*Access: 0755/] as const,
  squashfs: (disk: string) => ['unsquashfs', ['-lln', disk], /-rwxr-xr-x 0\/0 +100000 .*\/bin\/tool/] as const,
  ext4: (disk: string) => ['debugfs', ['-R', 'stat /bin/tool', disk], /Mode: +0755 .*(\n.*)*Size: 100000/] as const,
};

for (const format of ['erofs', 'squashfs', 'ext4'] as const) {
  const tool = { erofs: 'tool:mkfs.erofs', squashfs: 'tool:mksquashfs', ext4: 'tool:mke2fs' } as const;
  test.runIf(needs(tool[format]))(`a disk of ${format} holds the image's files as they are`, async () => {
    const disk = await makeDisk(image, { formats: [format], cache: dir });
    expect(disk).toMatchObject({ format, bytes: statSync(disk.path).size });
    expect(disk.bytes % 512).toBe(0);
    const [program, args, seen] = readers[format](disk.path);
    const { stdout } = await execa(program, args, { env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
    expect(stdout).toMatch(seen);
  });
}

test.runIf(needs('tool:mkfs.erofs'))('a disk is made once, and again when a file changes', async () => {
  const make = () => makeDisk(image, { formats: ['erofs'], cache: dir });
  const first = await make();
  const { ino } = statSync(first.path);
  expect(statSync((await make()).path).ino).toBe(ino);
  chmodSync(join(image, 'bin/tool'), 0o700);
  const second = await make();
  chmodSync(join(image, 'bin/tool'), 0o755);
  expect(second.path).not.toBe(first.path);
});

test('a directory with a mount in it, or none, makes no disk', async () => {
  await expect(makeDisk('/', { cache: dir })).rejects.toThrow(/^make a disk of \/: EXDEV \(hint: .* mounted on \/\w+/);
  await expect(makeDisk(join(dir, 'none'), { cache: dir })).rejects.toThrow(/look at .*none: ENOENT$/);
});

test.runIf(needs('tool:apt-get'))(
  "Debian's kernel comes out of its package as an ELF file, with its modules",
  async () => {
    const kernel = await findKernel();
    expect(kernel.release).toMatch(/^\d+\.\d+.*-cloud-amd64$/);
    expect(isElf(readFileSync(kernel.vmlinux ?? ''))).toBe(true);
    const files = moduleFiles(kernel, ['virtio_blk', 'erofs', 'overlay']);
    expect(files.map((file) => file.replace(/^.*\//, ''))).toEqual(
      expect.arrayContaining(['virtio.ko', 'virtio_ring.ko', 'virtio_blk.ko', 'erofs.ko', 'overlay.ko']),
    );
    for (const file of files) expect(isElf(readFileSync(file))).toBe(true);
    const own = await findKernel({ file: kernel.bzImage, cache: dir });
    expect(own.release).toBe(kernel.release);
    expect(readFileSync(own.vmlinux ?? '').equals(readFileSync(kernel.vmlinux ?? ''))).toBe(true);
  },
);

test('what is no kernel is refused by name', async () => {
  const file = join(dir, 'text');
  writeFileSync(file, 'not a kernel');
  await expect(findKernel({ file, cache: dir })).rejects.toThrow(`read the kernel ${file}: ENOEXEC`);
  await expect(findKernel({ file: join(dir, 'none'), cache: dir })).rejects.toThrow(
    `read the kernel ${dir}/none: ENOENT`,
  );
});
