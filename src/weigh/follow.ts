/** A container's start on the axis of its request: what `tare trace` draws, as spans. */
import type { Readable } from 'node:stream';
import { launch } from '../container/run.ts';
import { TareError } from '../errors.ts';
import type { Timeline } from '../launch/trace.ts';
import { requestOf } from './job.ts';
import type { Job, Site } from './types/backend.ts';
import type { Span } from './types/result.ts';

const times = 11;

export const followContainer = (job: Job, site: Site): Promise<readonly Span[]> =>
  typicalStart(times, async () => followOne(job, site));

/** One of several is shown: neither the luckiest nor the one that was interrupted. */
export async function typicalStart(times: number, followOne: () => Promise<readonly Span[]>): Promise<readonly Span[]> {
  const starts: (readonly Span[])[] = [];
  for (let time = 0; time < times; time += 1) starts.push(await followOne());
  return starts.toSorted((a, b) => endOf(a) - endOf(b))[Math.floor(times / 2)] ?? [];
}

const endOf = (spans: readonly Span[]): number => Math.max(...spans.map(({ end }) => end));

async function followOne(job: Job, site: Site): Promise<readonly Span[]> {
  const requested = process.hrtime.bigint();
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  await using container = await launch(site.engine, requestOf(job, site), {
    waitForStart: false,
    stdio,
    trace: true,
    requested,
  });
  const firstByte = firstByteOf(container.stdout);
  const { exitCode } = await container.exited;
  const gone = process.hrtime.bigint();
  if (exitCode !== 0) throw new TareError('follow the start of tare', { hint: `exit code ${exitCode}` });
  const wrote = await firstByte;
  return spansOf(container.timeline, Number(wrote - requested), Number(gone - requested));
}

/** When it wrote, or had nothing to write: CLOCK_MONOTONIC in ns. */
export const firstByteOf = (stream: Readable | undefined): Promise<bigint> =>
  new Promise((resolve) => {
    for (const event of ['data', 'close']) stream?.once(event, () => resolve(process.hrtime.bigint()));
  });

/** @param begin and `end` are ns since the request */
export const span = (name: string, begin: number, end: number, depth: number): Span => ({
  name,
  begin: begin / 1e6,
  end: Math.max(begin, end) / 1e6,
  depth,
});

/** Exported for its test. @param wrote and `gone` are ns since the request */
export function spansOf({ phases, stages, ops, totalNs }: Timeline, wrote: number, gone: number): Span[] {
  const made = ops.filter(({ skipped, beside }) => !skipped && !beside);
  const inside = stages.flatMap((stage, index) => {
    const [begin, end] = [stage.startNs, stages[index + 1]?.startNs ?? totalNs];
    const own = made.filter(({ startNs }) => startNs >= begin && startNs < end);
    return [
      span(stage.name, begin, end, 0),
      ...own.map(({ why, startNs, wallNs }) => span(why, startNs, startNs + wallNs, 1)),
    ];
  });
  const first = Math.min(wrote, gone);
  return [
    ...phases.map(({ why, startNs, wallNs }) => span(why, startNs, startNs + wallNs, 0)),
    ...inside,
    span('payload, until its first byte is here', totalNs, first, 0),
    span('its end, and nothing is left', Math.max(first, totalNs), gone, 0),
  ];
}
