/**
 * The driver for hosts whose groups are systemd's: a container's is a scope, by org.freedesktop.systemd1(5).
 *
 *     StartTransientUnit ──▶ the scope's group, with one process in it that waits
 *     the container is born in the group, the other process ends
 *     the last process ends ──▶ systemd removes unit and group
 */
import path from 'node:path/posix';
import { TareError } from '../errors.ts';
import { planCgroup } from './cgroupfs.ts';
import { Bus, BusError, type Call } from './dbus.ts';
import type { Message, Value, Variant } from './dbus-wire.ts';
import type { CgroupDriver, CgroupPlan, CgroupRequest } from './driver.ts';
import { type CgroupHost, readEnabled, readGrantable } from './hierarchy.ts';
import { limitProperties, type Property, scopeName, scopeProperties, type ScopeUnit } from './systemd-unit.ts';

/** Where to find the manager: the system's, or that of a user without power over the host. */
const busPath = (
  { DBUS_SESSION_BUS_ADDRESS: address, XDG_RUNTIME_DIR: runtime }: NodeJS.ProcessEnv,
  system: boolean,
): string => {
  if (system) return '/run/dbus/system_bus_socket';
  const named = /(?:^|;)unix:path=([^,;]+)/.exec(address ?? '')?.[1];
  if (named !== undefined) return decodeURIComponent(named);
  if (runtime !== undefined && runtime !== '') return `${runtime}/bus`;
  throw new TareError('find the bus of the user’s systemd', {
    hint: 'set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS',
  });
};

const systemd = 'org.freedesktop.systemd1';
const root = '/org/freedesktop/systemd1';

const manager = (member: string, signature = '', ...body: readonly Value[]): Call => ({
  destination: systemd,
  path: root,
  interface: `${systemd}.Manager`,
  member,
  ...(signature === '' ? {} : { signature }),
  body,
});

/** A scope of this name may be on its way out: so often it is tried, and so many ms lie between. */
const tries = { count: 100, pause: 20 };

export class Systemd implements CgroupDriver {
  readonly name = 'systemd';
  readonly #system: boolean;
  #bus: Bus | undefined;

  /** @param system the system's own manager, or the user's */
  constructor(system: boolean) {
    this.#system = system;
  }

  async plan(host: CgroupHost, request: CgroupRequest): Promise<CgroupPlan> {
    const { mount } = host;
    if (mount === undefined || host.v1.memory !== undefined)
      throw new TareError('leave the cgroup to systemd', { hint: 'it takes a host with cgroup v2 alone' });
    const defaultSlice = this.#system ? 'system.slice' : 'user.slice';
    const { path: below, ...unit } = scopeName(request, defaultSlice);
    const top = path.join(mount, await this.#managed());
    const theirs = {
      ...host,
      delegated: top,
      parent: top,
      inhabited: false,
      grantable: readGrantable(top),
      v1Grantable: [],
    };
    const group = path.join(top, below);
    const plan = planCgroup(theirs, { ...request, cgroupsPath: `/${path.relative(mount, group)}` }, readEnabled);
    if (plan === undefined) throw new TareError(`make the cgroup ${group}`);
    const properties = scopeProperties(request.id, unit.slice, plan.limits);
    // systemd makes directories, and enables the controllers that it knows.
    const enable = plan.enable.filter(({ value }) => /hugetlb|rdma|misc/.test(value));
    return { ...plan, directories: [], enable, unit: { ...unit, path: below, properties } };
  }

  /** The group that the manager has for all its own, from the mount on: `` for the system's, mostly. */
  async #managed(): Promise<string> {
    const properties = 'org.freedesktop.DBus.Properties';
    const asked = { destination: systemd, path: root, interface: properties, member: 'Get', signature: 'ss' };
    const [group] = await this.#connect().call({ ...asked, body: [`${systemd}.Manager`, 'ControlGroup'] });
    return (group as Variant).value as string;
  }

  /** One connection for the plan and for what comes of it. */
  #connect(): Bus {
    this.#bus ??= new Bus(busPath(process.env, this.#system));
    return this.#bus;
  }

  /**
   * Makes the group, with a process in it that is to stay there until another has come.
   * @throws TareError with systemd's own words
   */
  async start({ name, properties }: ScopeUnit, pid: number): Promise<void> {
    const all: Property[] = [...properties, ['PIDs', { signature: 'au', value: [pid] }]];
    const call = manager('StartTransientUnit', 'ssa(sv)a(sa(sv))', name, 'fail', all, []);
    const result = await this.#runJob(async (bus) => tryToStart(bus, call));
    if (result !== 'done')
      throw new TareError(`start the scope ${name}: ${result}`, { hint: `see systemctl status ${name}` });
  }

  async stop(name: string): Promise<void> {
    try {
      await this.#runJob(async (bus) => bus.call(manager('StopUnit', 'ss', name, 'replace')));
    } catch (error) {
      if (!(error instanceof BusError) || error.busName !== `${systemd}.NoSuchUnit`) throw error;
    }
  }

  /** @returns how the job that was asked for has ended: `done`, or why not */
  async #runJob(ask: (bus: Bus) => Promise<readonly Value[]>): Promise<string | undefined> {
    using bus = this.#connect();
    this.#bus = undefined;
    const ended = new Map<string, string>();
    let heard = (): void => {};
    const rule = `type='signal',interface='${systemd}.Manager',member='JobRemoved'`;
    using _listening = bus.listen(rule, ({ body: [, job, , result] }: Message) => {
      ended.set(job as string, result as string);
      heard();
    });
    void bus.call(manager('Subscribe')).catch(() => {}); // whoever starts is told
    const [job] = await ask(bus);
    while (!ended.has(job as string)) await new Promise<void>((resolve) => (heard = resolve));
    return ended.get(job as string);
  }

  /** What is changed in a group's files is told to systemd too. */
  async update(name: string, plan: Pick<CgroupPlan, 'limits'>): Promise<void> {
    const properties = limitProperties(plan.limits);
    if (properties.length === 0) return;
    using bus = this.#connect();
    this.#bus = undefined;
    await bus.call(manager('SetUnitProperties', 'sba(sv)', name, true, properties));
  }
}

async function tryToStart(bus: Bus, call: Call): Promise<readonly Value[]> {
  for (let left = tries.count; ; left -= 1) {
    try {
      return await bus.call(call);
    } catch (error) {
      if (!(error instanceof BusError) || error.busName !== `${systemd}.UnitExists` || left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, tries.pause));
    }
  }
}
