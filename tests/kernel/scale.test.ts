/**
 * Many containers from one process, at once and one after another: nothing is left over.
 *
 * A small number by default; TARE_FULL=1 for what is promised: 1,000 alive at once, 10,000 one after another. What it took
 * is printed, not judged: speed is a benchmark's job.
 */
import { existsSync, readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, expect, test } from 'vitest';
import type { Container } from '../../src/container/container.ts';
import { Engine } from '../../src/container/engine.ts';
import { create, type CreateOptions, run } from '../../src/container/run.ts';
import { changes, observeHost, warmUp } from './host-state.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox');
const full = process.env.TARE_FULL === '1';
const [atOnce, inTurn] = full ? [1000, 10_000] : [200, 500];
const patience = { timeout: 600_000 };

const engine = new Engine();
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const quiet: CreateOptions = { image: 'busybox', args: ['true'], stdio: 'ignore' };

beforeAll(async () => {
  if (!able) return;
  await warmUp(engine);
  for (let n = 0; n < 50; n += 1) await run(engine, quiet);
});

interface Weight {
  readonly rss: number;
  readonly heap: number;
  readonly fds: number;
}

/** V8 frees what dead ArrayBuffers held beside its collection, and counts it as freed when the next one has waited for that. */
function weigh(): Weight {
  collect();
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external, fds: readdirSync('/proc/self/fd').length };
}

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function report(what: string, begun: number, before: Weight, after: Weight): void {
  const seconds = (performance.now() - begun) / 1000;
  const sizes = `RSS ${mib(before.rss)} → ${mib(after.rss)}, heap ${mib(before.heap)} → ${mib(after.heap)}`;
  process.stdout.write(`${what}: ${seconds.toFixed(1)} s; ${sizes}; fds ${before.fds} → ${after.fds}\n`);
}

/** In bytes: less per container than any object that is kept for each, beside what V8 needs at one time or another. */
const trifle = 200;
const noise = 2 * 2 ** 20;

test.runIf(able)(`${inTurn} containers one after another leave nothing`, patience, async () => {
  const host = observeHost(engine);
  const before = weigh();
  const begun = performance.now();
  const quarters: number[] = [];
  for (let quarter = 0; quarter < 4; quarter += 1) {
    const from = performance.now();
    for (let n = 0; n < inTurn / 4; n += 1) expect((await run(engine, quiet)).exitCode).toBe(0);
    quarters.push((performance.now() - from) / (inTurn / 4));
  }
  const after = weigh();
  report(`${inTurn} in turn`, begun, before, after);
  process.stdout.write(`ms each, by quarters: ${quarters.map((time) => time.toFixed(2)).join(', ')}\n`);
  expect(changes(host, observeHost(engine))).toEqual([]);
  expect(after.heap - before.heap).toBeLessThan(noise + inTurn * trifle);
});

test.runIf(able)(`${inTurn / 5} containers with pipes leave nothing`, patience, async () => {
  const host = observeHost(engine);
  for (let n = 0; n < inTurn / 5; n += 1) {
    const { stdout } = await run(engine, { image: 'busybox', args: ['echo', String(n)], stdio: 'pipe' });
    expect(stdout).toBe(`${n}\n`);
  }
  expect(changes(host, observeHost(engine))).toEqual([]);
});

test.runIf(able)(`${atOnce} containers at once live, each by itself, and leave nothing`, patience, async () => {
  const host = observeHost(engine);
  const before = weigh();
  const begun = performance.now();
  const boxes: Container[] = [];
  for (let n = 0; n < atOnce; n += 1) {
    const box = await create(engine, { image: 'busybox', args: ['sleep', '1000'], stdio: 'ignore' });
    await box.start();
    boxes.push(box);
  }
  const during = weigh();
  report(`${atOnce} at once`, begun, before, during);
  expect(new Set(boxes.map(({ pid }) => pid)).size).toBe(atOnce);
  expect(boxes.filter(({ pid }) => !existsSync(`/proc/${pid}/exe`))).toEqual([]);
  expect(during.fds - before.fds).toBeLessThanOrEqual(2 * atOnce);

  const ending = performance.now();
  await Promise.all(boxes.map((box) => box[Symbol.asyncDispose]()));
  boxes.length = 0;
  report('and their end', ending, during, weigh());
  expect(changes(host, observeHost(engine))).toEqual([]);
});

test.runIf(able)(`${atOnce} containers that are started at the same moment leave nothing`, patience, async () => {
  const host = observeHost(engine);
  const exits = await Promise.all(Array.from({ length: atOnce }, async () => run(engine, quiet)));
  expect(exits.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
  expect(changes(host, observeHost(engine))).toEqual([]);
});
