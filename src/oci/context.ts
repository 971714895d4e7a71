/** What every verb of tare-oci has: the global flags, made into things. The engine is opened by the verbs that need it. */
import type { CgroupDriver } from '../cgroup/driver.ts';
import { cgroupDriver } from '../cgroup/drivers.ts';
import { Engine } from '../container/engine.ts';
import { openNative } from '../linux/native.ts';
import { capabilityNames } from '../spec/capability-names.ts';
import type { Log } from './log.ts';
import type { Store } from './store.ts';

export class Context {
  readonly store: Store;
  readonly log: Log;
  readonly #systemdCgroup: boolean;
  #engine: Engine | undefined;

  constructor(store: Store, log: Log, systemdCgroup: boolean) {
    this.store = store;
    this.log = log;
    this.#systemdCgroup = systemdCgroup;
  }

  get engine(): Engine {
    return (this.#engine ??= new Engine(openNative(), false));
  }

  /** @param name by default the one that the command line asks for */
  async cgroupDriver(name = this.#systemdCgroup ? ('systemd' as const) : ('cgroupfs' as const)): Promise<CgroupDriver> {
    return cgroupDriver(name, !this.engine.host.rootless);
  }

  /** Capabilities that this process can pass on. */
  get grantable(): ReadonlySet<string> {
    const { bounding } = this.engine.host;
    return new Set(capabilityNames.filter((_, number) => ((bounding >> BigInt(number)) & 1n) === 1n));
  }
}
