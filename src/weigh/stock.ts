/** What is run in all backends: the user's image and payload, or our own. */
import type { Engine } from '../container/engine.ts';
import { builtFile } from '../linux/native.ts';
import { TareError } from '../errors.ts';
import type { Settings } from './types/result.ts';
import type { Stock } from './types/workload.ts';

const own = '/bin/payload';

export function takeStock(engine: Engine, { image, payload }: Pick<Settings, 'image' | 'payload'>): Stock {
  const [program, ...args] = payload ?? [];
  const words = program === undefined ? undefined : ([program, ...args] as const);
  if (image === undefined) {
    const root = builtFile('images/weigh/rootfs');
    return { root, payload: words ?? [own, 'byte'], program: own, tools: builtFile('images/weigh-tools/rootfs') };
  }
  const { root } = engine.image(image);
  const path = root.kind === 'overlay' ? root.lower[0] : root.path;
  if (path === undefined || (root.kind === 'overlay' && root.lower.length > 1))
    throw new TareError(`weigh ${image}`, {
      hint: 'it has several layers, which most backends cannot stack: use dir:PATH',
    });
  return { root: path, payload: words ?? ['/bin/true'], program: undefined, tools: undefined };
}
