/** Finds network devices that a container is to get, has them moved, and takes them back where it comes to nothing. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { TareError } from '../errors.ts';
import { moveIn, moveOut, type NetDeviceMove } from '../launch/net-devices.ts';
import { type Program, ProgramBuilder } from '../launch/program.ts';
import { AF, flags, named, SOCK } from '../linux/flags.ts';
import { readNetDevice } from '../linux/net-devices.ts';
import type { NetDevice } from '../linux/netlink.ts';
import { pointer, problem, type Problem, SpecError } from '../spec/problem.ts';
import type { Spec } from '../spec/spec.ts';
import type { Engine } from './engine.ts';

/** @throws all that is not there at once, by name */
export function findNetDevices(engine: Engine, { linux }: Spec): readonly NetDeviceMove[] {
  const wanted = Object.entries(linux?.netDevices ?? {});
  if (wanted.length === 0) return [];
  const doing = 'run this on this host';
  if (engine.host.rootless)
    throw new SpecError(doing, [problem('/linux/netDevices', "needs power over the host's network: run as root")]);
  const found = lookUp(
    engine,
    wanted.map(([name]) => name),
  );
  const problems: Problem[] = [];
  const moves = wanted.flatMap(([name, { name: inside = name }]): NetDeviceMove[] => {
    const device = found.get(name);
    if (device !== undefined) return [{ device, inside }];
    problems.push(problem(`/linux/netDevices${pointer(name)}`, 'must be a network device of this host: see ip link'));
    return [];
  });
  if (problems.length > 0) throw new SpecError(doing, problems);
  return moves;
}

/** The host's devices of these names. */
function lookUp({ spawner }: Engine, names: readonly string[]): ReadonlyMap<string, NetDevice> {
  const b = new ProgramBuilder();
  const kinds = [flags(AF, 'NETLINK'), flags(SOCK, 'RAW', 'CLOEXEC'), named(0, 'NETLINK_ROUTE')];
  const opened = b.result('netlink', 'open a socket to ask for network devices', 'socket', kinds);
  const socket = spawner.run({ ops: b.ops }).get(opened) ?? -1;
  try {
    const found = names.map((name) => readNetDevice(socket, name));
    return new Map(found.flatMap((device) => (device === undefined ? [] : [[device.name, device]])));
  } finally {
    closeSync(socket);
  }
}

/** The devices of one container, while it is being made. */
export class NetDevices {
  readonly #engine: Engine;
  readonly #change: (program: Program) => Program;
  #moves: readonly NetDeviceMove[] = [];
  /** The container's network namespace: with it a device would end that is only made of software. */
  #network = -1;

  /** @param change makes the program that moves them of the compiled one, such as one in which a step fails */
  constructor(engine: Engine, change: (program: Program) => Program = (program) => program) {
    this.#engine = engine;
    this.#change = change;
  }

  /** @param pid of the process whose network they are moved to */
  async move(pid: number, moves: readonly NetDeviceMove[]): Promise<void> {
    this.#network = openSync(`/proc/${pid}/ns/net`, 'r');
    this.#moves = asCalled(moves, namesIn(pid));
    await this.#run(this.#change(moveIn(this.#moves)));
  }

  /** Those that are no longer here: where only some could be moved, the others still are. */
  async takeBack(): Promise<void> {
    if (this.#network < 0) return;
    const here = lookUp(
      this.#engine,
      this.#moves.map(({ device }) => device.name),
    );
    const away = this.#moves.filter(({ device }) => here.get(device.name)?.index !== device.index);
    try {
      if (away.length > 0) await this.#run(moveOut(away));
    } finally {
      this.release();
    }
  }

  /** They are the container's now. */
  release(): void {
    if (this.#network >= 0) closeSync(this.#network);
    this.#network = -1;
  }

  async #run(program: Program): Promise<void> {
    const { spawner, nullFd, host } = this.#engine;
    spawner.listen();
    const child = spawner.spawn({
      program,
      cloneFlags: named(0, '0'),
      newUser: false,
      lastCapability: host.lastCapability,
      fds: [nullFd, nullFd, nullFd],
      inner: [this.#network],
    });
    const { code } = await child.exited;
    if (child.report !== undefined) throw child.report;
    if (code !== 0) throw new TareError('move network devices', { hint: 'the process that does so was killed' });
  }
}

/** /proc/PID/net/dev, two lines of headings first. */
function namesIn(pid: number): Set<string> {
  const lines = readFileSync(`/proc/${pid}/net/dev`, 'utf8').split('\n').slice(2);
  return new Set(lines.flatMap((line) => /^\s*([^:]+):/.exec(line)?.[1] ?? []));
}

/** As they will be called: a name that is taken is seen before anything is moved, and `%d` becomes the first number that is free. */
function asCalled(moves: readonly NetDeviceMove[], taken: Set<string>): NetDeviceMove[] {
  return moves.map(({ device, inside: wanted }) => {
    let inside = wanted;
    for (let number = 0; wanted.includes('%d') && (number === 0 || taken.has(inside)); number += 1)
      inside = wanted.replace('%d', String(number));
    if (taken.has(inside))
      throw new TareError(`move the network device ${device.name} to the container as ${inside}`, {
        errno: 'EEXIST',
        hint: `its network has a device ${inside} already: give this one another name`,
      });
    taken.add(inside);
    return { device, inside };
  });
}
