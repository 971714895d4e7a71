import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Weighing } from '../../../../src/weigh/types/result.ts';

const file = join(import.meta.dirname, '../../../../fixtures/weigh/example.json');

export const example = JSON.parse(readFileSync(file, 'utf8')) as Weighing;

/** The same weighing on a machine that has no QEMU. */
export const withoutMachine: Weighing = {
  ...example,
  backends: example.backends.map((backend) =>
    backend.family === 'vm'
      ? { ...backend, missing: { reason: 'no QEMU', cure: 'apt-get install qemu-system-x86' } }
      : backend,
  ),
  questions: example.questions.map((question) => ({
    ...question,
    series: question.series.filter(({ backend }) => backend !== 'qemu-tcg'),
  })),
  timelines: example.timelines.filter(({ backend }) => backend !== 'qemu-tcg'),
};
