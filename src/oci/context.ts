/** What every verb of tare-oci has: the global flags, made into things. The engine is opened by the verbs that need it. */
import { Engine } from '../container/engine.ts';
import { openNative } from '../linux/native.ts';
import { capabilityNames } from '../spec/capability-names.ts';
import type { Log } from './log.ts';
import type { Store } from './store.ts';

export class Context {
  readonly store: Store;
  readonly log: Log;
  readonly systemdCgroup: boolean;
  #engine: Engine | undefined;

  constructor(store: Store, log: Log, systemdCgroup: boolean) {
    this.store = store;
    this.log = log;
    this.systemdCgroup = systemdCgroup;
  }

  get engine(): Engine {
    return (this.#engine ??= new Engine(openNative(), false));
  }

  /** Capabilities that this process can pass on. */
  get grantable(): ReadonlySet<string> {
    const { bounding } = this.engine.host;
    return new Set(capabilityNames.filter((_, number) => ((bounding >> BigInt(number)) & 1n) === 1n));
  }
}
