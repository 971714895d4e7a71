/** Every way to isolate gives the same command the same result: tests/conformance/commands.ts is the table. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { type Isolated, type IsolatedOptions, isolationKinds } from '../../src/isolation/isolation.ts';
import { isolations } from '../../src/isolation/isolations.ts';
import { takeSnapshot } from '../../src/isolation/vm-snapshot.ts';
import { removeSnapshot } from '../../src/vm/snapshot.ts';
import { changes, type HostState, observeHost, warmUp } from '../kernel/host-state.ts';
import { needs } from '../kernel/needs.ts';
import { type Command, commands } from './commands.ts';

const able = needs('root', 'overlay', 'busybox');
const engine = new Engine();

/** What a stream has said so far, and what it said in the end. */
function collect(stream: Readable): { readonly said: () => string; readonly ended: Promise<void> } {
  const pieces: Buffer[] = [];
  const ended = new Promise<void>((resolve) => {
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    for (const end of ['end', 'close', 'error']) stream.on(end, () => resolve());
  });
  return { said: () => Buffer.concat(pieces).toString('latin1'), ended };
}

async function finish(isolated: Isolated, { stdin, then }: Command, terminal: boolean): Promise<object> {
  const out = collect(terminal ? await isolated.openedTerminal() : isolated.stdout!);
  const err = terminal ? undefined : collect(isolated.stderr!);
  isolated.stdin?.on('error', () => {}); // a command that does not read its input
  isolated.stdin?.end(stdin ?? '');
  if (then !== undefined) {
    while (!out.said().includes('ready')) await new Promise((resolve) => setTimeout(resolve, 5));
    then(isolated);
  }
  const { exitCode, signal } = await isolated.exited;
  await Promise.all([out.ended, err?.ended]);
  return { exitCode, signal, stdout: out.said(), stderr: err?.said() ?? '' };
}

/** Guests of one snapshot, since a boot takes its time; but a guest that is to have volumes is booted. */
const snapshot = `conformance-${process.pid}`;
const machine = { accelerator: 'tcg' as const };

const around = (kind: (typeof isolationKinds)[number], { mounts = [] }: Partial<IsolatedOptions>): object => {
  if (kind !== 'vm') return {};
  const booted = mounts.some(({ type }) => type === 'bind');
  return { vm: booted ? machine : { fromSnapshot: snapshot } };
};

const kinds = isolationKinds.filter((kind) =>
  kind === 'vm' ? needs('tool:qemu-system-x86_64', 'tool:mkfs.erofs') : able,
);

describe.each(kinds)('as a %s', (kind) => {
  let place = '';
  let before: HostState = {};

  beforeAll(async () => {
    process.env.TARE_TEST_SECRET = 'ours';
    place = mkdtempSync(join(tmpdir(), 'tare-test-'));
    await warmUp(engine);
    if (kind === 'vm') await takeSnapshot(engine, snapshot, { image: 'busybox', vm: machine });
    before = observeHost(engine);
  });
  afterAll(async () => {
    if (kind === 'vm') await removeSnapshot(snapshot);
    delete process.env.TARE_TEST_SECRET;
    rmSync(place, { recursive: true });
    expect(changes(before, observeHost(engine))).toEqual([]);
  });

  test.each(commands)('a command $does', async (command) => {
    writeFileSync(join(place, 'file'), 'of the host\n');
    const { args, request = {}, fails, exitCode, signal } = command;
    const mounts = request.mounts?.map((mount) => (mount.source === 'VOLUME' ? { ...mount, source: place } : mount));
    const isolation = await isolations[kind]();
    const options = {
      image: 'busybox',
      args,
      ...request,
      ...(mounts === undefined ? {} : { mounts }),
      ...around(kind, request),
    };
    await using isolated = await isolation.start(engine, options);
    if (fails !== undefined) {
      await expect(isolated.exited).rejects.toMatchObject({
        message: expect.stringContaining(fails) as string,
        exitCode,
      });
      return;
    }
    const result = await finish(isolated, command, request.terminal === true);
    expect(result).toMatchObject({ exitCode, signal });
    for (const name of ['stdout', 'stderr'] as const) {
      const expected = command[name];
      const said = (result as Record<string, string>)[name];
      if (expected instanceof RegExp) expect(expected.test(said ?? ''), `${name}: ${said?.slice(0, 200)}`).toBe(true);
      else if (expected !== undefined) expect(said).toBe(expected);
    }
  });
});

test('there are at least fifty commands, each named once', () => {
  expect(commands.length).toBeGreaterThanOrEqual(50);
  expect(new Set(commands.map(({ does }) => does)).size).toBe(commands.length);
});
