/** A message bus started for these tests, asked of itself. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bus, BusError, type Call } from '../../src/cgroup/dbus.ts';
import type { Message, Value } from '../../src/cgroup/dbus-wire.ts';
import { needs } from './needs.ts';

const able = needs('tool:dbus-daemon');

let place = '';
let daemon: ChildProcess;

beforeAll(async () => {
  if (!able) return;
  place = mkdtempSync(join(tmpdir(), 'tare-bus-'));
  const options = ['--session', '--nofork', '--nopidfile', '--print-address', `--address=unix:path=${place}/bus`];
  daemon = spawn('dbus-daemon', options, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (daemon.stdout !== null) await once(daemon.stdout, 'data');
});

afterAll(async () => {
  if (!able) return;
  const ended = once(daemon, 'exit');
  daemon.kill();
  await ended;
  rmSync(place, { recursive: true });
});

const ofBus = (member: string, signature?: string, ...body: readonly Value[]): Call => ({
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member,
  ...(signature === undefined ? {} : { signature }),
  body,
});

test.runIf(able)('answers arrive at whoever has asked, in any number', async () => {
  using bus = new Bus(`${place}/bus`);
  const asked = Array.from({ length: 50 }, async () =>
    bus.call(ofBus('GetConnectionUnixUser', 's', 'org.freedesktop.DBus')),
  );
  expect(await Promise.all(asked)).toEqual(asked.map(() => [process.getuid?.()]));
  expect((await bus.call(ofBus('ListNames')))[0]).toContain('org.freedesktop.DBus');
});

test.runIf(able)('signals arrive at whoever listens', async () => {
  using bus = new Bus(`${place}/bus`);
  const heard = new Promise<Message>((resolve) => {
    bus.listen("type='signal',member='NameOwnerChanged',arg0='org.example.Tare'", (signal) => {
      if (signal.member === 'NameOwnerChanged') resolve(signal);
    });
  });
  expect(await bus.call(ofBus('RequestName', 'su', 'org.example.Tare', 0))).toEqual([1]);
  expect((await heard).body).toMatchObject(['org.example.Tare', '', expect.stringMatching(/^:/)]);
});

test.runIf(able)('a refusal is an error with its name and words', async () => {
  using bus = new Bus(`${place}/bus`);
  const error = await bus.call(ofBus('Nonsense')).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BusError);
  expect(error).toMatchObject({ busName: 'org.freedesktop.DBus.Error.UnknownMethod' });
  expect((error as Error).message).toMatch(/^ask org.freedesktop.DBus for Nonsense: .*Nonsense/);
});

test('without a bus the error names its place', async () => {
  using bus = new Bus('/nowhere/bus');
  await expect(bus.call(ofBus('GetId'))).rejects.toThrow(
    /GetId by \/nowhere\/bus: .*ENOENT.*hint: is systemd in charge/,
  );
});

test.runIf(able)('what is asked when the bus goes away is an error, not a wait', async () => {
  using bus = new Bus(`${place}/bus`);
  await bus.call(ofBus('GetId'));
  bus[Symbol.dispose]();
  await expect(bus.call(ofBus('GetId'))).rejects.toThrow(/it is closed/);
});
