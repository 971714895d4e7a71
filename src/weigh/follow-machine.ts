/** A virtual machine's start on the axis of its request: firmware, kernel, init and payload, each with its steps. */
import { TareError } from '../errors.ts';
import type { Isolation } from '../isolation/isolation.ts';
import type { Timeline } from '../launch/trace.ts';
import type { MachineRequest } from '../vm/request.ts';
import { firstByteOf, span, typicalStart } from './follow.ts';
import { payloadOf } from './job.ts';
import type { Job, Site } from './types/backend.ts';
import type { Span } from './types/result.ts';

/** One of these is shown. */
const times = 3;

export const followMachine = (
  isolation: Isolation,
  job: Job,
  site: Site,
  vm: MachineRequest,
): Promise<readonly Span[]> => typicalStart(times, async () => followOne(isolation, job, site, vm));

async function followOne(isolation: Isolation, job: Job, site: Site, vm: MachineRequest): Promise<readonly Span[]> {
  const { image, args } = payloadOf(job);
  const requested = process.hrtime.bigint();
  const options = { isolation: isolation.kind, image, args, stdio: 'pipe', vm, signal: site.signal } as const;
  await using isolated = await isolation.start(site.engine, options, { trace: true });
  isolated.stdin?.end();
  isolated.stderr?.resume();
  const firstByte = firstByteOf(isolated.stdout);
  const { exitCode } = await isolated.exited;
  const gone = process.hrtime.bigint();
  if (exitCode !== 0) throw new TareError('follow the start of a virtual machine', { hint: `exit code ${exitCode}` });
  const wrote = await firstByte;
  return machineSpans(isolated.timeline, Number(wrote - requested), Number(gone - requested));
}

/** As a reader calls them; `vm/timeline.ts` says how each is known. */
const phaseNames: Readonly<Partial<Record<Timeline['phases'][number]['name'], string>>> = {
  request: 'prepare',
  qemu: 'QEMU',
  resume: 'memory and devices taken up',
};

/** Exported for its test. @param wrote and `gone` are ns since the request */
export function machineSpans({ phases, ops, totalNs }: Timeline, wrote: number, gone: number): Span[] {
  const made = ops
    .filter(({ skipped, beside }) => !skipped && !beside)
    .toSorted((one, other) => one.startNs - other.startNs);
  const booted = Math.max(0, ...phases.map(({ startNs, wallNs }) => startNs + wallNs));
  const first = Math.max(totalNs, Math.min(wrote, gone));
  return [
    ...phases.map(({ name, startNs, wallNs }) => span(phaseNames[name] ?? name, startNs, startNs + wallNs, 0)),
    span('init', booted, totalNs, 0),
    ...made.map(({ why, startNs, wallNs }) => span(why, startNs, startNs + wallNs, 1)),
    span('payload', totalNs, first, 0),
    span('its end, and nothing is left', first, gone, 0),
  ];
}
