/** What QEMU answers about a guest that runs, and does with it: a client of our own over a socket pair. */
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { start } from '../../src/index.ts';
import { boot, knownMachine } from '../../src/isolation/vm-launch.ts';
import { planVm } from '../../src/isolation/vm-plan.ts';
import { startPayload } from '../../src/isolation/vm.ts';
import type { QmpEvents } from '../../src/vm/qmp.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox', 'tool:qemu-system-x86_64', 'tool:mkfs.erofs');
vi.setConfig({ testTimeout: 240_000 });

test.runIf(able)('a guest is asked for its state and memory, paused, and goes on', async () => {
  const engine = new Engine();
  const request = { image: 'busybox', name: 'qmp', args: ['cat'] };
  const plan = await planVm(engine, request, {}, { id: request.name, say: () => {} });
  const guest = await boot(engine, await knownMachine(engine, plan, 'tcg'), plan, { patience: 120, trace: false });
  await using vm = guest.vm;
  const { qmp } = vm;
  const told: (keyof QmpEvents)[] = [];
  qmp.listen(({ event }) => told.push(event));
  expect(await qmp.execute('query-status')).toMatchObject({ status: 'running', running: true });
  expect(await qmp.execute('query-memory-size-summary')).toMatchObject({ 'base-memory': 256 * 2 ** 20 });
  expect(await qmp.execute('query-kvm')).toMatchObject({ enabled: false });
  expect((await qmp.execute('query-version')).qemu.major).toBeGreaterThanOrEqual(7);

  const { process: payload } = startPayload(engine, { guest, plan }, request);
  await payload.executed;
  await qmp.execute('stop');
  expect(await qmp.execute('query-status')).toMatchObject({ status: 'paused', running: false });
  payload.stdin.write('while it stands still\n');
  await qmp.execute('cont');
  expect(String((await once(payload.stdout, 'data'))[0])).toBe('while it stands still\n');
  payload.stdin.end();
  payload.stderr.resume();
  expect(await payload.exited).toMatchObject({ code: 0 });
  expect(told).toEqual(['STOP', 'RESUME']);

  await expect(qmp.execute('balloon', { value: 128 * 2 ** 20 })).rejects.toThrow('ask QEMU to balloon');
});

/** Says how much memory is free for each line that it reads. */
const memoryTeller = 'while read -r _; do grep ^MemFree: /proc/meminfo; done';

test.runIf(able)('a guest with a balloon gives memory back, and has it again', async () => {
  await using isolated = await start({
    image: 'busybox',
    isolation: 'vm',
    args: ['sh', '-c', memoryTeller],
    vm: { accelerator: 'tcg', balloon: true, bootTimeout: 120 },
  });
  const { machine, stdin, stdout } = isolated;
  if (machine === undefined || stdin === undefined || stdout === undefined)
    throw new Error('it has pipes, and is a machine');
  const free = async (): Promise<number> => {
    stdin.write('?\n');
    return 1024 * Number(/\d+/.exec(String((await once(stdout, 'data'))[0]))?.[0]);
  };
  /** Until the guest has done what it was asked for. */
  const balloon = async (bytes: number): Promise<void> => {
    const arrived = new Promise<void>((resolve) => {
      const stop = machine.listen(({ event, data }) => {
        if (event !== 'BALLOON_CHANGE' || (data as QmpEvents['BALLOON_CHANGE']).actual !== bytes) return;
        stop();
        resolve();
      });
    });
    await machine.balloon(bytes);
    await arrived;
  };
  const [size, less] = [256 * 2 ** 20, 160 * 2 ** 20];
  expect(machine.accelerator).toBe('tcg');
  expect(await machine.status()).toEqual({ status: 'running', running: true });
  const before = await free();
  expect(await machine.memory()).toEqual({ size, actual: size });

  await balloon(less);
  expect(await machine.memory()).toEqual({ size, actual: less });
  const given = before - (await free());
  expect(given / (size - less)).toBeCloseTo(1, 1);

  await balloon(size);
  expect((before - (await free())) / (size - less)).toBeCloseTo(0, 1);

  await machine.pause();
  expect(await machine.status()).toEqual({ status: 'paused', running: false });
  await machine.resume();
  await expect(machine.balloon(2 ** 40)).rejects.toThrow('it can have from 33554432 to 268435456');
  stdin.end();
  expect(await isolated.exited).toMatchObject({ code: 0 });
  await expect(machine.status()).rejects.toThrow();
});

test.runIf(able)('a guest without a balloon says so', async () => {
  await using isolated = await start({ image: 'busybox', isolation: 'vm', args: ['cat'], vm: { accelerator: 'tcg' } });
  const { machine } = isolated;
  expect(await machine?.memory()).toEqual({ size: 256 * 2 ** 20, actual: 256 * 2 ** 20 });
  await expect(machine?.balloon(128 * 2 ** 20)).rejects.toThrow('it has no balloon');
});
