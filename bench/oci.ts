/** How long do an engine's three calls of a runtime take: create, start, delete? */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../src/container/engine.ts';
import { builtFile } from '../src/linux/native.ts';
import { openRuntime } from '../src/weigh/oci-runtime.ts';
import type { Steps } from '../src/weigh/types/backend.ts';
import { type Candidate, compare } from './peer.ts';
import { buildDirectory } from './peers/stopwatch.ts';
import type { Question } from './question.ts';
import { say, sayComparison } from './report.ts';
import { medianOf } from '../src/weigh/statistics.ts';
import { ms, table } from './table.ts';

/** Beside the sources as beside the bundle that is made of them. */
const ours = join(import.meta.dirname, '../bin/tare-oci');

/** A wrapper around the runtime that leaves no record of what it has created. */
function withoutRecords(): string {
  mkdirSync(buildDirectory, { recursive: true });
  const path = join(buildDirectory, 'tare-oci-node');
  writeFileSync(path, `#!/bin/sh\nTARE_NO_REPLAY=1 exec ${ours} "$@"\n`, { mode: 0o755 });
  return path;
}

type Took = Steps & { readonly runtime: string };

function runtime(name: string, command: string, took: Took[], within?: []): Candidate {
  return {
    name,
    async open() {
      const directory = join(buildDirectory, name.replaceAll(/\W+/g, '-'));
      mkdirSync(directory, { recursive: true });
      const { signal } = new AbortController();
      const site = { directory, disk: directory, engine: new Engine(), tare: 'bench', signal };
      const job = { root: builtFile('images/busybox/rootfs'), payload: ['/bin/true'], network: 'own' } as const;
      const peer = await openRuntime(command, job, site, [], within);
      return {
        async sample() {
          const steps = (await peer.runInSteps?.()) ?? { create: NaN, start: NaN, delete: NaN };
          took.push({ runtime: name, ...steps });
          return steps.create + steps.start + steps.delete;
        },
        async close() {
          await peer[Symbol.asyncDispose]();
          rmSync(directory, { recursive: true, force: true });
        },
      };
    },
  };
}

export const oci: Question = {
  name: 'oci',
  asks: "how long do an engine's calls take: create + start + delete of one bundle, each as a process",
  async answer({ rounds = 100 }) {
    const took: Took[] = [];
    const warmup = Math.min(rounds, 3);
    const candidates = [
      runtime('tare-oci', ours, took, []),
      runtime('tare-oci, first time', withoutRecords(), took, []),
      runtime('runc', 'runc', took),
      runtime('crun', 'crun', took),
    ];
    const measured = await compare(candidates, { rounds, warmup, rest: 10 });
    sayComparison(measured, 'tare-oci');
    saySteps(took);
    return [...measured.samples, ...took];
  },
};

function saySteps(took: readonly Took[]): void {
  const rows = [...new Set(took.map(({ runtime }) => runtime))].map((name) => {
    const own = took.filter(({ runtime }) => runtime === name);
    const of = (step: keyof Steps): string[] => {
      const times = own.map((each) => each[step]);
      return [ms(Math.min(...times)), ms(medianOf(times))];
    };
    return [name, ...of('create'), ...of('start'), ...of('delete')];
  });
  say(table(['ms', 'create min', 'median', 'start min', 'median', 'delete min', 'median'], rows));
}
