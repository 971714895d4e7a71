/** What a trial needs around its instances: found or made before the first, and gone after the last. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PrivateLink } from './link.ts';
import { isInMemory } from './storage.ts';
import type { Needs, Stock } from './types/workload.ts';

/** Where a tool lies in the image, and the package that it comes from if that has another name. */
const directory = 'usr/bin';
const packages: Readonly<Record<string, string>> = { 'redis-server': 'redis-tools', 'redis-benchmark': 'redis-tools' };

export interface Surroundings extends AsyncDisposable {
  /** With the link, if there is to be one. */
  readonly stock: Stock;
  /** Why nothing can be measured, if so. */
  readonly lack?: string;
}

/** @param disk where instances would write to */
export async function surround(stock: Stock, needs: Needs = {}, disk = '/'): Promise<Surroundings> {
  const nothing = async (): Promise<void> => undefined;
  const lack = lackingTools(stock, needs.tools) ?? (needs.disk === true ? lackingDisk(disk) : undefined);
  if (lack !== undefined) return { stock, lack, [Symbol.asyncDispose]: nothing };
  if (needs.link !== true) return { stock, [Symbol.asyncDispose]: nothing };
  try {
    const outside = await PrivateLink.open(stock.tools ?? '');
    return { stock: { ...stock, outside }, [Symbol.asyncDispose]: async () => outside[Symbol.asyncDispose]() };
  } catch (error) {
    return { stock, lack: (error as Error).message, [Symbol.asyncDispose]: nothing };
  }
}

function lackingTools({ tools = '' }: Stock, wanted: Needs['tools'] = []): string | undefined {
  const absent = wanted.filter((name) => !existsSync(join(tools, directory, name)));
  if (absent.length === 0) return undefined;
  const sources = new Set(absent.map((name) => packages[name] ?? name));
  return `the image has no ${absent.join(', no ')} (apt-get install ${[...sources].join(' ')}, then npm run build)`;
}

const lackingDisk = (place: string): string | undefined =>
  isInMemory(place) ? `there is no disk to write to: ${place} lies in memory` : undefined;
