/** A file that has no name, so that it is gone with the last process that has it open, however that ends. */
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns a file descriptor to read and write */
export function openNameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'tare-lab-'));
  try {
    return openSync(join(folder, 'file'), 'w+');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
