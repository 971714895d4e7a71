/** A group of cgroup v2 that exists, with those of v1 beside it: what it uses, how it fares, and its end. */
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, rmdirSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path/posix';
import { TareError } from '../errors.ts';
import {
  type CgroupPressure,
  type CgroupStats,
  type GroupFiles,
  type OomKills,
  parseFlat,
  parseMemoryEvents,
  parsePressure,
  parseStats,
} from './stats.ts';
import type { V1Group } from './hierarchy.ts';
import { addV1Stats, parseV1OomKills, v1Statistics } from './stats-v1.ts';
import { until } from './wait.ts';

const errnoOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** How long processes get to stop or die before their group's cgroup.events is called stuck. */
const patience = 10_000;
/** No such file here, the group was removed meanwhile, or PSI is off and the group threaded. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENODEV', 'EOPNOTSUPP']);
/** The files that `parseStats` asks for. */
const statistics =
  /^(cpu\.stat|io\.stat|pids\.(current|peak|max|events)|memory\.(current|peak|max|high|stat|events|swap\.(current|peak|max))|hugetlb\.\w+\.(current|max|events|rsvd\.current))$/;

export class Cgroup {
  /** Absolute, such as /sys/fs/cgroup/tare/web. */
  readonly path: string;
  readonly #v1: readonly V1Group[];

  /** @param v1 groups of the same processes that limit and count what v2 does not here; some may not be there */
  constructor(directory: string, v1: readonly V1Group[] = []) {
    this.path = directory;
    this.#v1 = v1;
  }

  #readIfThere(file: string, directory = this.path): string | undefined {
    try {
      return readFileSync(path.join(directory, file), 'utf8');
    } catch (error) {
      return this.#absent(path.join(directory, file), error);
    }
  }

  async #sample(file: string, directory = this.path): Promise<string | undefined> {
    const whole = path.join(directory, file);
    return readFile(whole, 'utf8').catch((error: unknown) => this.#absent(whole, error));
  }

  #absent(file: string, error: unknown): undefined {
    const errno = errnoOf(error);
    if (errno !== undefined && absent.has(errno)) return undefined;
    throw new TareError(`read ${file}`, { errno, cause: error });
  }

  /** Where v1 keeps what the controller limits and counts. */
  #v1Group(controller: string): string | undefined {
    return this.#v1.find(({ controllers }) => controllers.includes(controller))?.path;
  }

  #write(file: string, value: string, hint?: string): void {
    try {
      // Not writeFileSync: it would ask to create the file, and a missing one would then answer EACCES.
      const fd = openSync(path.join(this.path, file), constants.O_WRONLY);
      try {
        writeSync(fd, value);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      const doing = `write ${value} to ${path.join(this.path, file)}`;
      throw new TareError(doing, { errno: errnoOf(error), hint, cause: error });
    }
  }

  /** A key of cgroup.events; undefined where the group is gone. */
  #event(key: 'populated' | 'frozen'): boolean | undefined {
    const text = this.#readIfThere('cgroup.events');
    return text === undefined ? undefined : parseFlat(text)[key] === 1;
  }

  /** Whether a process lives in the group or below; zombies do not count. */
  populated(): boolean {
    return this.#event('populated') ?? false;
  }

  /** The processes of the group and of those below it, by pids of our pid namespace (0 for one outside it). */
  pids(): number[] {
    const own = (this.#readIfThere('cgroup.procs')?.match(/\d+/g) ?? []).map(Number);
    return [...own, ...this.#children().flatMap((child) => child.pids())];
  }

  #children(): Cgroup[] {
    return directoriesIn(this.path).map((directory) => new Cgroup(directory));
  }

  /** What is used of what; parts whose controller the group does not have are undefined. */
  async stats(): Promise<CgroupStats> {
    const files = await readdir(this.path).catch((error: unknown) => {
      throw new TareError(`list ${this.path}`, { errno: errnoOf(error), cause: error });
    });
    const names = files.filter((name) => statistics.test(name));
    const texts = new Map(await Promise.all(names.map(async (name) => [name, await this.#sample(name)] as const)));
    const pageSizes = names.flatMap((name) => /^hugetlb\.(\w+)\.current$/.exec(name)?.[1] ?? []);
    const stats = parseStats((file) => texts.get(file), pageSizes);
    return this.#v1.length === 0 ? stats : addV1Stats(stats, await this.#v1Texts());
  }

  async #v1Texts(): Promise<GroupFiles> {
    const texts = await Promise.all(
      v1Statistics.map(async (file) => {
        const group = this.#v1Group(file.slice(0, file.indexOf('.')));
        return [file, group === undefined ? undefined : await this.#sample(file, group)] as const;
      }),
    );
    const known = new Map(texts);
    return (file) => known.get(file);
  }

  /** Which share of the time tasks of the group waited for a resource; undefined on a kernel without PSI (psi=1). */
  async pressure(): Promise<CgroupPressure> {
    const kinds = ['cpu', 'memory', 'io', 'irq'] as const;
    const texts = await Promise.all(kinds.map((kind) => this.#sample(`${kind}.pressure`)));
    return Object.fromEntries(
      kinds.flatMap((kind, index) => {
        const text = texts[index];
        return text === undefined ? [] : [[kind, parsePressure(text)]];
      }),
    );
  }

  /** What the OOM killer did, from memory.events: ask before `remove`. No kills where the memory controller is not ours. */
  oomKills(): OomKills {
    const v1 = this.#v1Group('memory');
    if (v1 !== undefined) return parseV1OomKills((file) => this.#readIfThere(file, v1));
    const text = this.#readIfThere('memory.events');
    const { oomKill: kills, oom } = parseMemoryEvents(text ?? '');
    if (kills === 0) return { kills };
    const local = parseMemoryEvents(this.#readIfThere('memory.events.local') ?? '');
    const max = this.#readIfThere('memory.max')?.trim();
    const maxBytes = max === undefined || max === 'max' ? Infinity : Number(max);
    // `oom` counts where a limit was hit, `oom_kill` where the victim was: a victim of another's limit leaves no `oom`.
    return { kills, limit: local.oom > 0 ? 'own' : oom > 0 ? 'inner' : 'outer', maxBytes };
  }

  /** Stops every process of the group and below, and resolves when all have stopped. */
  async freeze(): Promise<void> {
    this.#write('cgroup.freeze', '1');
    await this.#settle('freeze', () => this.#event('frozen') !== false);
  }

  async thaw(): Promise<void> {
    this.#write('cgroup.freeze', '0');
    await this.#settle('thaw', () => this.#event('frozen') !== true);
  }

  /** SIGKILL to all of the group and below, frozen or newly forked too; resolves when all are dead or the group is gone. */
  async kill(): Promise<void> {
    try {
      this.#write('cgroup.kill', '1', 'cgroup.kill came with Linux 5.14, and the root group has none');
    } catch (error) {
      if (existsSync(this.path)) throw error;
      return;
    }
    await this.#settle('kill', () => !this.populated());
  }

  async #settle(doing: string, done: () => boolean): Promise<void> {
    if (await until(path.join(this.path, 'cgroup.events'), done, patience)) return;
    throw new TareError(`${doing} the processes of ${this.path}: not done after ${patience / 1000} s`, {
      errno: 'ETIMEDOUT',
      hint: `see /proc/PID/stack of ${this.#remaining()}: one in an uninterruptible sleep cannot stop`,
    });
  }

  #remaining(): string {
    const pids = this.pids();
    return pids.length === 0 ? 'no process' : `pid ${pids.slice(0, 10).join(', ')}${pids.length > 10 ? ' …' : ''}`;
  }

  /**
   * Removes the group, those below it and those of v1, and ends what still lives in them. One that is gone already is fine.
   */
  async remove(): Promise<void> {
    if (this.#rmdir()) return;
    await this.kill();
    for (let pause = 1; pause <= 256; pause *= 2) {
      for (const child of this.#children()) await child.remove();
      for (const group of this.#v1) for (const child of below(group.path)) rmdirNow(child);
      if (this.#rmdir()) return;
      // A task leaves its group only after its exit was reported, and a group its parent when its last reference goes.
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    throw new TareError(`remove the cgroup ${this.path}`, {
      errno: 'EBUSY',
      hint: `still in it: ${this.#remaining()}, and ${this.#children().length} groups: see ${this.path}/cgroup.stat`,
    });
  }

  /** Removes the group if nothing is in it, without waiting: for groups that have just been made. */
  removeNow(): void {
    this.#rmdir();
  }

  /** That of v2 last: by it the others are found. False where something is still in one. */
  #rmdir(): boolean {
    return this.#v1.map((group) => rmdirNow(group.path)).every(Boolean) && rmdirNow(this.path);
  }
}

function directoriesIn(group: string): string[] {
  try {
    const entries = readdirSync(group, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(group, name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw new TareError(`list ${group}`, { errno: errnoOf(error), cause: error });
  }
}

/** All groups below one, the innermost first. */
const below = (group: string): string[] => directoriesIn(group).flatMap((child) => [...below(child), child]);

/** False where something is still in the group. */
function rmdirNow(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return true;
    if (errno === 'EBUSY' || errno === 'ENOTEMPTY') return false;
    throw new TareError(`remove the cgroup ${group}`, { errno, cause: error });
  }
}
