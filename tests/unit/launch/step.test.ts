import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encode } from '../../../src/launch/encode.ts';
import { explain } from '../../../src/launch/explain.ts';
import type { Op, Program } from '../../../src/launch/program.ts';
import { cell } from '../../../src/launch/program.ts';
import { untilFiltered, weave } from '../../../src/launch/step.ts';
import { decode } from './decoder.ts';
import { calls, compiled, specFor } from './examples.ts';
import { programs } from './programs.ts';

const always = () => true;
const sync = cell('sync', 4);
const op = (why: string, more: Partial<Op> = {}): Op => ({ why, call: 'getpid', args: [], stage: 'test', ...more });

test('before an op the program says where it is, and waits', () => {
  const program = { ops: [op('first'), op('second'), op('third')], report: sync };
  const woven = weave(program, ({ why }) => why !== 'second');
  expect(explain(woven.program, { column: 50 })).toMatchInlineSnapshot(`
    "test
       0  sendto($sync, {STOPPED: step}, 16, MSG_NOSIGNAL, 0, 0)
                                                      stop before: first
       1  read($sync, {byte}, 1)                      stop before: first: wait
       2  getpid()                                    first
       3  getpid()                                    second
       4  sendto($sync, {STOPPED: step}, 16, MSG_NOSIGNAL, 0, 0)
                                                      stop before: third
       5  read($sync, {byte}, 1)                      stop before: third: wait
       6  getpid()                                    third
    "
  `);
  expect(woven.original).toEqual([0, 0, 0, 1, 2, 2, 2]);
  expect(woven.program.report).toBe(sync);
});

test('a jump leads to the stop before the op that it led to', () => {
  const found = op('look', { allow: ['ENOENT'], skip: 2 });
  const program = { ops: [found, op('take'), op('use'), op('go on')], report: sync };
  expect(weave(program, always).program.ops[2]?.skip).toBe(6);
  expect(weave(program, (_, index) => index === 1).program.ops[0]?.skip).toBe(4);
  expect(weave(program, (_, index) => index === 3).program.ops[0]?.skip).toBe(2);
  expect(weave({ ...program, ops: program.ops.slice(0, 3) }, always).program.ops[2]?.skip).toBe(6);
});

test('without stops it is the same program', () => {
  const program = compiled();
  const woven = weave(program, () => false);
  expect(woven.program).toEqual(program);
  expect(woven.original).toEqual(program.ops.map((_, index) => index));
});

test('its messages name the woven op', () => {
  const { program } = weave({ ops: [op('first'), op('second')], report: sync }, always);
  const { bytes } = encode(program, { arch: 'x64' });
  const senders = decode(bytes).ops.flatMap(({ call, args }) =>
    call === 44 ? [bytes.readUInt32LE(Number(args[1]?.value))] : [],
  );
  expect(senders).toEqual([0, 3]);
  expect(program.ops[3]?.stop).toBe('step');
});

test('what a fork leaves behind does not stop: two processes would wait for one answer', () => {
  const stops = (program: Program) => {
    const woven = weave(program, always);
    return woven.program.ops.flatMap(({ stop }, index) =>
      stop === 'step' ? [program.ops[woven.original[index]!]!.why] : [],
    );
  };
  const init = compiled(specFor(), { init: true });
  const joined = compiled(specFor({ namespaces: { pid: { path: '/proc/7/ns/pid' } } }));
  expect(init.ops.map(({ why }) => why).filter((why) => !stops(init).includes(why))).toEqual([
    'keep nothing open but the standard streams',
    'stay as pid 1: reap, and pass signals on',
  ]);
  expect(joined.ops.map(({ why }) => why).filter((why) => !stops(joined).includes(why))).toEqual([
    'tell the parent who goes on',
    'leave the rest to it',
  ]);
});

test("a filter of the user's own need not know of the stops", () => {
  const program = compiled();
  const woven = calls(weave(program, untilFiltered(program)).program);
  const filter = woven.findIndex((call) => call.startsWith('seccomp('));
  expect(woven[filter - 1]).toBe('read($sync, {byte}, 1)');
  expect(woven.slice(filter).filter((call) => call.includes('STOPPED'))).toEqual([]);
  const unfiltered = compiled(specFor(), { seccomp: undefined });
  expect(weave(unfiltered, untilFiltered(unfiltered))).toEqual(weave(unfiltered, always));
});

test('a program that cannot speak cannot stop', () => {
  expect(() => weave({ ops: [] }, always)).toThrow('a program without a socket to its parent cannot stop');
});

/** The indices of the ops that are made, when every op that may fail does, or none. */
function walk({ ops }: Program, fails: boolean): number[] {
  const made: number[] = [];
  for (let index = 0; index < ops.length; index += 1) {
    made.push(index);
    if (fails) index += ops[index]?.skip ?? 0;
  }
  return made;
}

test('whatever the program and the stops: the same ops are made, in the same order', () => {
  fc.assert(
    fc.property(programs, fc.func(fc.boolean()), fc.boolean(), (program, before, fails) => {
      const woven = weave(program, (_, index) => before(index));
      const made = walk(woven.program, fails).filter((index) => {
        const { stop, why } = woven.program.ops[index]!;
        return stop !== 'step' && !why.startsWith('stop before');
      });
      expect(made.map((index) => woven.original[index])).toEqual(walk(program, fails));
      expect(woven.original).toHaveLength(woven.program.ops.length);
    }),
  );
});

test('whatever the program: no jump lands between a stop and its answer, or between an answer and its op', () => {
  fc.assert(
    fc.property(programs, (program) => {
      const woven = weave(program, always);
      woven.program.ops.forEach(({ skip }, index) => {
        const target = index + 1 + (skip ?? 0);
        if (skip !== undefined) expect(woven.original[target]).not.toBe(woven.original[target - 1]);
      });
    }),
  );
});
