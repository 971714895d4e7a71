/** How long does a virtual machine take, from QEMU's start to the first byte of its payload? */
import { once } from 'node:events';
import { Engine } from '../src/container/engine.ts';
import { vmIsolation, startPayload } from '../src/isolation/vm.ts';
import { boot, knownMachine } from '../src/isolation/vm-launch.ts';
import { planVm, type VmPlan } from '../src/isolation/vm-plan.ts';
import { takeSnapshot } from '../src/isolation/vm-snapshot.ts';
import { VmPayload } from '../src/isolation/vm-payload.ts';
import type { Isolated } from '../src/isolation/isolation.ts';
import type { MachineRequest } from '../src/vm/request.ts';
import { removeSnapshot } from '../src/vm/snapshot.ts';
import { medianOf as median } from '../src/weigh/statistics.ts';
import type { Question } from './question.ts';
import { say } from './report.ts';
import { ms, table } from './table.ts';

const payload = { image: 'busybox', args: ['echo', 'hi'] };
const snapshot = `bench-${process.pid}`;
const patience = 120;

interface Sample {
  readonly way: string;
  readonly round: number;
  /** ns until the payload's first byte was here. */
  readonly firstByte: number;
}

type Way = (engine: Engine) => Promise<number>;

/** From here to the first byte. */
async function untilFirstByte(start: () => Promise<Isolated>): Promise<number> {
  const begun = process.hrtime.bigint();
  await using isolated = await start();
  if (isolated.stdout === undefined) throw new Error('its output is a pipe');
  await once(isolated.stdout, 'data');
  const taken = Number(process.hrtime.bigint() - begun);
  await isolated.exited;
  return taken;
}

/** A boot of a plan that was made before. */
const booted =
  (wanted: MachineRequest, change: (plan: VmPlan) => VmPlan['board'] = ({ board }) => board): Way =>
  async (engine) => {
    const made = await planVm(engine, payload, wanted, { id: 'bench', say });
    const plan = { ...made, board: change(made) };
    const machine = await knownMachine(engine, plan, 'tcg');
    return untilFirstByte(async () => {
      const request = process.hrtime.bigint();
      const guest = await boot(engine, machine, plan, { patience, trace: false });
      const started = startPayload(engine, { guest, plan }, { ...payload, name: 'bench' });
      const traced = { request, program: started.program };
      const cleanUp = async (): Promise<void> => {};
      return new VmPayload(guest, started.process, {
        id: 'bench',
        stdio: 'pipe',
        terminal: false,
        settles: false,
        traced,
        cleanUp,
      });
    });
  };

const ways: Readonly<Record<string, Way>> = {
  'microvm, trimmed': booted({ machine: 'microvm' }),
  'q35, trimmed': booted({ machine: 'q35' }),
  'q35 as QEMU has it, and the bzImage': booted({ machine: 'q35' }, ({ board, kernel }) => ({
    ...board,
    trimmed: false,
    kernel: kernel.bzImage ?? board.kernel,
  })),
  'microvm, from a snapshot': async (engine) =>
    untilFirstByte(async () => vmIsolation.start(engine, { ...payload, vm: { fromSnapshot: snapshot } })),
};

export const machine: Question = {
  name: 'machine',
  asks: 'how long does a virtual machine take under TCG, until the first byte of its payload',
  async answer({ rounds = 5 }) {
    const engine = new Engine();
    await takeSnapshot(engine, snapshot, { ...payload, args: [], vm: { accelerator: 'tcg' } });
    const samples: Sample[] = [];
    try {
      for (let round = 0; round < rounds; round += 1)
        for (const [way, take] of shuffled(Object.entries(ways)))
          samples.push({ way, round, firstByte: await take(engine) });
    } finally {
      await removeSnapshot(snapshot);
    }
    const rows = Object.keys(ways).map((way) => {
      const times = samples.filter((sample) => sample.way === way).map(({ firstByte }) => firstByte);
      return [way, ms(Math.min(...times)), ms(median(times))];
    });
    say(table(['ms, TCG, until the first byte', 'min', 'median'], rows));
    return samples;
  },
};

const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
