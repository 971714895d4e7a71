/**
 * Launches that have been prepared before. A program that starts the same container again and again would compile the
 * same calls each time; only the id differs, which stands in the host's name, in `HOSTNAME` and in the cgroup's path.
 *
 * Kept is what follows from the request, the image's user and this host alone. What must be looked up anew (bind
 * sources, devices, profiles, limits and the controllers they need, bundles, the mounts of the host) is prepared anew.
 */
import type { CgroupPlan } from '../cgroup/driver.ts';
import type { Encoded } from '../launch/encode.ts';
import type { RunRequest } from '../spec/request.ts';
import type { ResolvedUser } from '../spec/spec-facts.ts';
import type { Spec } from '../spec/spec.ts';
import type { Prepared, PrepareOptions } from './prepared.ts';

/** So many different requests are remembered; then it begins anew. */
const most = 64;

interface Template {
  readonly prepared: Prepared;
  readonly encoded: Encoded;
  readonly idAt: readonly number[];
}

export class Templates {
  readonly #known = new Map<string, Template>();

  /** Undefined for a request that has to be prepared anew each time. */
  keyOf(request: RunRequest, user: ResolvedUser, options: PrepareOptions): string | undefined {
    const { image, name, hostname, limits, devices, privileged, seccomp = 'default', mounts = [] } = request;
    const looksUp =
      image.startsWith('oci:') ||
      image === 'host' ||
      devices !== undefined ||
      privileged === true ||
      limits !== undefined;
    const reads = mounts.some(({ type }) => type === 'bind') || !['default', 'unconfined'].includes(seccomp);
    if (looksUp || reads || name !== undefined || hostname !== undefined) return undefined;
    return JSON.stringify([request, user, options]);
  }

  /** The launch for a new id. */
  find(key: string, id: string): Prepared | undefined {
    const template = this.#known.get(key);
    if (template === undefined) return undefined;
    const { prepared, encoded, idAt } = template;
    const { spec, cgroup } = prepared;
    return {
      ...prepared,
      id,
      spec: renameSpec(spec, prepared.id, id),
      cgroup: cgroup === undefined ? undefined : renamePlan(cgroup, prepared.id, id),
      encoded: { ...encoded, patches: idAt.map((at) => ({ at, text: id })) },
    };
  }

  keep(key: string, prepared: Prepared, encoded: Encoded): void {
    if (this.#known.size >= most) this.#known.clear();
    this.#known.set(key, { prepared, encoded, idAt: placesOf(prepared.id, encoded.bytes) });
  }
}

function placesOf(id: string, bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(id); at >= 0; at = bytes.indexOf(id, at + 1)) places.push(at);
  return places;
}

function renameSpec(spec: Spec, from: string, to: string): Spec {
  const { process } = spec;
  const env = process.env?.map((entry) => (entry === `HOSTNAME=${from}` ? `HOSTNAME=${to}` : entry));
  return {
    ...spec,
    ...(spec.hostname === from ? { hostname: to } : {}),
    process: { ...process, ...(env === undefined ? {} : { env }) },
  };
}

function renamePlan(plan: CgroupPlan, from: string, to: string): CgroupPlan {
  const rename = (text: string) => text.replaceAll(from, to);
  const directories = plan.directories.map((directory) => {
    if (directory.path !== plan.path) return directory;
    const hints = Object.entries(directory.hints ?? {}).map(([errno, hint]) => [errno, rename(hint)]);
    return {
      ...directory,
      path: rename(directory.path),
      why: rename(directory.why),
      hints: Object.fromEntries(hints) as typeof directory.hints,
    };
  });
  return { ...plan, path: rename(plan.path), directories };
}
