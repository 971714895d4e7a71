import { capabilityNames, dockerCapabilities } from './capability-names.ts';
import type { RunRequest } from './request.ts';
import type { SpecFacts } from './spec-facts.ts';
import type { Capabilities } from './spec.ts';

/** `CAP_NET_ADMIN` of `net_admin`, `NET_ADMIN` or itself; `ALL` of `all`. */
export function capabilityName(word: string): string {
  const name = word.toUpperCase();
  return name === 'ALL' || name.startsWith('CAP_') ? name : `CAP_${name}`;
}

/**
 * The bounding set that a request asks for: Docker's, plus and minus. What is dropped stays dropped even from a
 * privileged container, where Docker would forget it.
 */
export function boundingSet(request: RunRequest, facts: SpecFacts): string[] {
  const add = new Set((request.capAdd ?? []).map(capabilityName));
  const drop = new Set((request.capDrop ?? []).map(capabilityName));
  const passed = facts.capabilities ?? capabilityNames;
  const all = capabilityNames.filter((name) => passed.includes(name));
  const everything = request.privileged === true || add.has('ALL');
  const kept = everything ? all : drop.has('ALL') ? [] : dockerCapabilities;
  const dropped = (name: string): boolean => drop.has(name) && !add.has(name);
  const added = all.filter((name) => add.has(name) && !kept.includes(name));
  // Asked for by name, a capability that cannot be passed on must fail; as one of the defaults it is just not there.
  const unavailable = [...add].filter((name) => name !== 'ALL' && !passed.includes(name));
  return [...kept.filter((name) => passed.includes(name) && !dropped(name)), ...added, ...unavailable];
}

/**
 * Root has its bounding set. Anybody else has none of it, as after an execve, but a set-uid program may gain it.
 * Nothing is inheritable: CVE-2022-24769.
 */
export function capabilitiesOf(bounding: readonly string[], uid: number): Capabilities {
  const held = uid === 0 ? [...bounding] : [];
  return { bounding: [...bounding], effective: held, permitted: [...held], inheritable: [], ambient: [] };
}
