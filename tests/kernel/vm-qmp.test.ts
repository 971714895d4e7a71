/** What QEMU answers about a guest that runs, and does with it: a client of our own over a socket pair. */
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
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
