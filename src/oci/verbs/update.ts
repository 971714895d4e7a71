import { readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { type CgroupHost, forBundles, readGrantable } from '../../cgroup/hierarchy.ts';
import { TareError } from '../../errors.ts';
import { compileUpdate } from '../../launch/cgroup.ts';
import type { Resources } from '../../spec/resources.ts';
import { parseSize } from '../../spec/size.ts';
import { checkSpec } from '../../spec/validate.ts';
import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { expectStatus, groupOf } from '../later.ts';
import type { Saved } from '../state.ts';

/** What of the limits is named is changed, the rest stays. Device rules are made once, at the beginning: runc passes them over too. */
export async function main(words: Words, context: Context): Promise<number> {
  const { engine, store } = context;
  const saved = store.get(words.id);
  expectStatus(context, saved, 'update', ['created', 'running', 'paused']);
  const group = groupOf(saved, 'update').path;
  const { devices: _, ...resources } = checked(saved, asked(words));
  const { mount = '/' } = engine.cgroups;
  const { unit, v1 = [] } = saved;
  // A scope has all controllers of its slice already, which is not ours.
  const cgroups = unit === undefined ? forBundles(engine.cgroups) : within(engine.cgroups, group);
  const plan = await engine.cgroupDriver.plan(cgroups, {
    id: saved.id,
    cgroupsPath: `/${relative(mount, group)}`,
    resources,
    changes: true,
  });
  if (plan !== undefined) {
    const without = plan.v1.filter(({ path, limits }) => limits.length > 0 && !v1.some((group) => group.path === path));
    if (without.length > 0)
      throw new TareError(
        `limit ${without.flatMap(({ controllers }) => controllers).join(', ')} of container ${saved.id}`,
        {
          hint: 'it has no group there, for it was created without such a limit: create it anew',
        },
      );
    if (unit !== undefined) await (await context.cgroupDriver('systemd')).update?.(unit, plan);
    engine.spawner.run(compileUpdate(plan));
  }
  const before = saved.spec.linux?.resources;
  const memory = { ...before?.memory, ...resources.memory };
  const linux = { ...saved.spec.linux, resources: { ...before, ...resources, memory } };
  store.save({ ...saved, spec: { ...saved.spec, linux } }, engine.host.arch);
  return 0;
}

function within(host: CgroupHost, group: string): CgroupHost {
  const slice = dirname(group);
  return { ...host, delegated: slice, parent: slice, grantable: readGrantable(group), v1Grantable: [] };
}

/** Swap counts from a memory limit on: that which holds, where none is named. */
function checked(saved: Saved, { memory, ...rest }: Resources): Resources {
  const { limit } = saved.spec.linux?.resources?.memory ?? {};
  const needs = memory?.swap !== undefined && memory.limit === undefined && limit !== undefined;
  const resources = memory === undefined ? rest : { ...rest, memory: needs ? { ...memory, limit } : memory };
  checkSpec({ ...saved.spec, linux: { ...saved.spec.linux, resources } });
  return resources;
}

function asked(words: Words): Resources {
  const file = words.value('resources');
  return file === undefined ? fromFlags(words) : readResources(file);
}

function readResources(file: string): Resources {
  try {
    return JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8')) as Resources;
  } catch (cause) {
    throw new TareError(`read ${file === '-' ? 'standard input' : file}, the resources: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function fromFlags(words: Words): Resources {
  const number = (flag: string): number | undefined => {
    const text = words.value(flag);
    if (text === undefined) return undefined;
    if (/^-?\d+$/.test(text)) return Number(text);
    throw new TareError(`read --${flag} ${JSON.stringify(text)}`, { hint: 'it takes a whole number' });
  };
  const bytes = (flag: string): number | undefined => {
    const text = words.value(flag);
    if (text === undefined) return undefined;
    return text === '-1' ? -1 : parseSize(text);
  };
  const given = <T extends object>(part: T): T =>
    Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as T;
  return {
    memory: given({
      limit: bytes('memory'),
      reservation: bytes('memory-reservation'),
      swap: bytes('memory-swap'),
      kernel: bytes('kernel-memory'),
      kernelTCP: bytes('kernel-memory-tcp'),
    }),
    cpu: given({
      shares: number('cpu-share'),
      quota: number('cpu-quota'),
      burst: number('cpu-burst'),
      period: number('cpu-period'),
      idle: number('cpu-idle'),
      realtimePeriod: number('cpu-rt-period'),
      realtimeRuntime: number('cpu-rt-runtime'),
      cpus: words.value('cpuset-cpus'),
      mems: words.value('cpuset-mems'),
    }),
    blockIO: given({ weight: number('blkio-weight') }),
    pids: given({ limit: number('pids-limit') }),
  };
}
