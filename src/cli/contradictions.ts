/** What each flag alone would allow and all together do not. */
import type { RunRequest } from '../spec/request.ts';
import { readSize } from '../spec/size.ts';

type Check = (request: RunRequest, given: ReadonlySet<string>) => string[];

/** memory.swap.max is what Docker's number leaves above memory.max. */
const swapNeedsMemory: Check = (_, given) =>
  given.has('memory-swap') && !given.has('memory')
    ? ['--memory-swap: counts memory and swap together, so it needs --memory']
    : [];

const memoryInOrder: Check = ({ limits }) => {
  const { memory, memorySwap, memoryReservation } = limits ?? {};
  return [
    ...(isLess(memorySwap, memory)
      ? [`--memory-swap ${memorySwap}: less than --memory ${memory}, which it includes`]
      : []),
    ...(isLess(memory, memoryReservation)
      ? [`--memory-reservation ${memoryReservation}: more than --memory ${memory}`]
      : []),
  ];
};

function isLess(a: number | string | undefined, b: number | string | undefined): boolean {
  if (a === undefined || b === undefined || a === '-1') return false;
  return (readSize(a) ?? Infinity) < (readSize(b) ?? 0);
}

const oneMountEach: Check = ({ mounts = [] }) => {
  const targets = mounts.map(({ target }) => target);
  const twice = new Set(targets.filter((target, index) => targets.indexOf(target) !== index));
  return [...twice].map((target) => `${target}: more than one --volume, --mount or --tmpfs there`);
};

const upperIsWritten: Check = ({ readOnly, upper }) =>
  readOnly === true && upper !== undefined ? ['--upper: nothing will be written to keep with --read-only'] : [];

const nameNeedsUts: Check = ({ namespaces }, given) =>
  ['hostname', 'domainname']
    .filter((name) => given.has(name) && namespaces?.uts === 'host')
    .map((name) => `--${name}: would rename this machine with --uts host; leave one of them out`);

const mapsNeedUserNamespace: Check = ({ namespaces }, given) =>
  ['uidmap', 'gidmap']
    .filter((name) => given.has(name) && namespaces?.user !== undefined && namespaces.user !== 'new')
    .map((name) => `--${name}: needs a user namespace of its own; leave out --userns or make it private`);

const capabilityBothWays: Check = ({ capAdd = [], capDrop = [] }) =>
  [...new Set(capAdd)]
    .filter((name) => capDrop.includes(name))
    .map((name) => `--cap-add ${name}: --cap-drop takes the same away; leave one of them out`);

const checks: readonly Check[] = [
  swapNeedsMemory,
  memoryInOrder,
  oneMountEach,
  upperIsWritten,
  nameNeedsUts,
  mapsNeedUserNamespace,
  capabilityBothWays,
];

/** @param given names of the flags on the command line, also of those whose value did not read */
export const findContradictions = (request: RunRequest, given: ReadonlySet<string>): string[] =>
  checks.flatMap((check) => check(request, given));
