/** What every peer is asked to do: /bin/true in the busybox image, with all that a container gets by default. */
import type { Prepared } from '../src/container/prepared.ts';
import { prepare } from '../src/container/prepare.ts';
import { Engine } from '../src/container/engine.ts';
import type { RunRequest } from '../src/spec/request.ts';

export const workload: RunRequest = { image: 'busybox', args: ['true'] };

/** What tare makes of it, for those who are to do the same. */
export async function prepareWorkload(name: string): Promise<{ engine: Engine; prepared: Prepared }> {
  const engine = new Engine();
  const request = { ...workload, name };
  const prepared = await prepare(engine, request, { payloadFds: 3, waitForStart: false, dieWithParent: true });
  return { engine, prepared };
}
