/** What is run in all backends: the user's image and payload, or our own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../container/engine.ts';
import { builtFile } from '../linux/native.ts';
import { TareError } from '../errors.ts';
import type { Settings } from './types/result.ts';
import type { Needs, Stock } from './types/workload.ts';

const own = '/bin/payload';
/** Where a tool lies in the image, and the package that it comes from if that has another name. */
const directory = 'usr/bin';
const packages: Readonly<Record<string, string>> = { 'redis-server': 'redis-tools', 'redis-benchmark': 'redis-tools' };

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

/** Why what is needed is not there, if so. */
export function lacking({ tools = '' }: Stock, needs: Needs = {}): string | undefined {
  const absent = (needs.tools ?? []).filter((name) => !existsSync(join(tools, directory, name)));
  if (absent.length === 0) return undefined;
  const wanted = new Set(absent.map((name) => packages[name] ?? name));
  return `the image has no ${absent.join(', no ')} (apt-get install ${[...wanted].join(' ')}, then npm run build)`;
}
