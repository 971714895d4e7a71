/** The host's end of the channel, against a guest that is nothing but its frames. Real ones: tests/machine/guest.test.ts. */
import { duplexPair } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { TareError } from '../../../src/errors.ts';
import { encode } from '../../../src/launch/encode.ts';
import { type Program, ProgramBuilder, strings } from '../../../src/launch/program.ts';
import { CLONE, flags } from '../../../src/linux/flags.ts';
import { Channel } from '../../../src/vm/channel.ts';
import { encodeFrame, firstWindow, type Frame, FrameReader, type Kind } from '../../../src/vm/protocol.ts';

/** Both ends: what the host has sent is in `heard`, and `say` answers. */
function connect(boot?: Program) {
  const [ours, theirs] = duplexPair();
  const reader = new FrameReader();
  const heard: Frame[] = [];
  theirs.on('data', (piece: Buffer) => heard.push(...reader.push(piece)));
  const channel = new Channel(ours, {
    arch: 'x64',
    ...(boot && { boot: { program: boot, encoded: encode(boot, { arch: 'x64' }) } }),
  });
  const say = async (...frames: Frame[]) => {
    for (const frame of frames) theirs.write(encodeFrame(frame));
    await settled();
  };
  const bytesOf = (kind: Kind) =>
    Buffer.concat(heard.flatMap((frame) => (frame.kind === kind && 'bytes' in frame ? [frame.bytes] : [])));
  return { channel, theirs, heard, say, bytesOf };
}

/** Streams hand on in turns of the event loop, and a handful of them is always enough within one process. */
async function settled(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await turn();
}

const ready: Frame = { kind: 'ready', process: 0, version: 1, started: 10n, at: 20n };
const exited: Frame = { kind: 'exited', process: 1, code: 7, signal: 0, user: 3n, system: 4n, maxRss: 5n, at: 6n };
const empty = Buffer.alloc(0);

function twoCalls() {
  const b = new ProgramBuilder();
  const pid = b.result('pid', 'ask for the process id', 'getpid', []);
  b.op('execute true', 'execve', ['/bin/true', strings(['true']), strings([])]);
  return { program: { ops: b.ops }, pid };
}

test('a program of pid 1 gives back what its cells hold', async () => {
  const { channel, heard, say } = connect();
  await say(ready);
  expect(await channel.ready).toEqual({ started: 10n, at: 20n, boot: undefined });

  const { program, pid } = twoCalls();
  const ran = channel.run(program);
  await settled();
  const sent = heard[0];
  if (sent?.kind !== 'program') throw new Error('no program was sent');
  expect(sent).toMatchObject({ process: 0, returned: 1, clone: 0 });

  const memory = Buffer.from(sent.bytes);
  const home = encode(program, { arch: 'x64' }).cells.get(pid)?.offset ?? -1;
  memory.writeBigInt64LE(1n, home);
  const pieces = [memory.subarray(0, 100), memory.subarray(100)];
  await say(...pieces.map((bytes): Frame => ({ kind: 'memory', process: 0, bytes })), {
    kind: 'halted',
    process: 0,
    at: 30n,
  });
  const { at, returned } = await ran;
  expect([at, returned.cell(pid), returned.bytes(pid, 2)]).toEqual([30n, 1n, Buffer.from([1, 0])]);
});

test('programs of pid 1 are answered in their order, each failure by its own op', async () => {
  const { channel, say } = connect();
  const { program } = twoCalls();
  const all = Promise.allSettled([channel.run(program), channel.run(program)]);
  await settled();
  await say({ kind: 'failed', process: 0, op: 1, error: 2, at: 1n }, { kind: 'halted', process: 0, at: 2n });
  const [first, second] = await all;
  expect(first).toMatchObject({ status: 'rejected', reason: { message: 'execute true: ENOENT', exitCode: 127 } });
  expect(second).toMatchObject({ status: 'fulfilled', value: { at: 2n } });
});

test('a boot program that fails is named, and ends the channel', async () => {
  const { channel, say } = connect(twoCalls().program);
  await say({ kind: 'failed', process: 0, op: 0, error: 38, at: 1n });
  await expect(channel.ready).rejects.toThrow('ask for the process id: ENOSYS');
  await expect(channel.run(twoCalls().program)).rejects.toThrow('ask for the process id: ENOSYS');
});

test('a payload has its streams, its execution and its exit', async () => {
  const { channel, heard, say, bytesOf } = connect();
  const payload = channel.start(twoCalls().program, { cloneFlags: flags(CLONE, 'NEWPID') });
  const output = Promise.all([buffer(payload.stdout), buffer(payload.stderr)]);
  payload.stdin.end('in');
  payload.kill(15);
  payload.resize(80, 24);
  await say(
    { kind: 'executed', process: 1, position: 1, at: 40n },
    { kind: 'stdout', process: 1, bytes: Buffer.from('out') },
    { kind: 'stderr', process: 1, bytes: Buffer.from('err') },
    exited,
    { kind: 'stdout', process: 1, bytes: Buffer.from('put') },
    { kind: 'stdout', process: 1, bytes: empty },
    { kind: 'stderr', process: 1, bytes: empty },
  );
  await payload.executed;
  expect(await payload.exited).toMatchObject({ code: 7, signal: undefined, usage: { user: 3, system: 4 }, maxRss: 5 });
  expect((await output).map(String)).toEqual(['output', 'err']);
  expect(bytesOf('stdin').toString()).toBe('in');
  expect(heard.map(({ kind }) => kind)).toEqual([
    'program',
    'stdin',
    'stdin',
    'signal',
    'resize',
    'window',
    'window',
    'window',
  ]);
  expect(heard[0]).toMatchObject({ process: 1, returned: 0, clone: 0x20000000 });
});

test('no more is sent to the payload than it takes, and no more is asked of it than is read', async () => {
  const { channel, heard, say, bytesOf } = connect();
  const payload = channel.start(twoCalls().program);
  payload.stdin.write(Buffer.alloc(firstWindow + 10, 'x'));
  await say({ kind: 'stdout', process: 1, bytes: Buffer.alloc(firstWindow) });
  expect(bytesOf('stdin')).toHaveLength(firstWindow);
  expect(heard.filter(({ kind }) => kind === 'window')).toEqual([]);

  await say({ kind: 'window', process: 1, stream: 0, more: 4 });
  expect(bytesOf('stdin')).toHaveLength(firstWindow + 4);
  expect(payload.stdout.read()).toHaveLength(firstWindow);
  await settled();
  expect(heard.filter(({ kind }) => kind === 'window')).toEqual([
    { kind: 'window', process: 1, stream: 1, more: firstWindow },
  ]);
});

test('a payload that reads no more breaks the pipe, and so does a caller', async () => {
  const { channel, heard, say } = connect();
  const payload = channel.start(twoCalls().program);
  const broken = new Promise((resolve) => payload.stdin.once('error', resolve));
  await say({ kind: 'stdin', process: 1, bytes: empty });
  payload.stdin.write('more');
  expect(await broken).toMatchObject({ code: 'EPIPE' });
  payload.stdout.destroy();
  await settled();
  expect(heard.at(-1)).toEqual({ kind: 'stdout', process: 1, bytes: empty });
});

test('a payload is not executed if it ends before, and says so by the step that it had come to', async () => {
  const { channel, say } = connect();
  const killed = channel.start(twoCalls().program);
  await say({ kind: 'executed', process: 1, position: 0, at: 1n }, { ...exited, code: 0, signal: 9 });
  await expect(killed.executed).rejects.toThrow('ask for the process id: killed on the way');
  expect(await killed.exited).toMatchObject({ code: undefined, signal: 'SIGKILL', signalNumber: 9 });
  expect(() => channel.start(twoCalls().program)).toThrow('it runs one at a time');
  await say({ kind: 'stdout', process: 1, bytes: empty }, { kind: 'stderr', process: 1, bytes: empty });

  const missing = channel.start(twoCalls().program);
  await say({ kind: 'failed', process: 1, op: 1, error: 2, at: 1n });
  await expect(missing.executed).rejects.toMatchObject({ exitCode: 127 });
});

test('when the machine ends, everybody who waits is told why, once', async () => {
  const { channel } = connect();
  const payload = channel.start(twoCalls().program);
  const waiting = [channel.ready, channel.run(twoCalls().program), payload.executed, payload.exited];
  channel.close(new TareError('run the virtual machine', { hint: 'QEMU was killed' }));
  channel.close();
  for (const one of waiting) await expect(one).rejects.toThrow('QEMU was killed');
  await expect(channel.run(twoCalls().program)).rejects.toThrow('QEMU was killed');
  expect(await buffer(payload.stdout)).toEqual(empty);
});

test('what a guest cannot do, or says in another version or nonsense, ends the channel with the reason', async () => {
  const ends = async (...frames: Frame[]) => {
    const { channel, say } = connect();
    await say(...frames);
    return channel.run(twoCalls().program).catch(String);
  };
  const lost = connect();
  lost.theirs.end('nonsense');
  await settled();
  expect([
    await ends({ ...ready, version: 2 }),
    await ends({ kind: 'fault', process: 1, step: 5, error: 12 }),
    await ends({ kind: 'fault', process: 1, step: 77, error: 1 }),
    await lost.channel.run(twoCalls().program).catch(String),
  ]).toMatchInlineSnapshot(`
    [
      "TareError: speak with the guest: EPROTO (hint: it speaks version 2 of the protocol, and tare version 1: build the initramfs anew)",
      "TareError: make a process for the payload in the guest: ENOMEM",
      "TareError: do what is numbered 77 in the guest: EPERM",
      "TareError: understand the other side of the channel: EPROTO (hint: no kind of frame has the number 28261: host and guest must be of one build)",
    ]
  `);
});

test('a program that is too long for the guest is refused as the kernel would refuse it', () => {
  const { channel } = connect();
  const b = new ProgramBuilder();
  b.op('execute much', 'execve', ['/bin/true', strings(['x'.repeat(5 * 1024 * 1024)]), strings([])]);
  expect(() => channel.start({ ops: b.ops })).toThrow('E2BIG');
});
