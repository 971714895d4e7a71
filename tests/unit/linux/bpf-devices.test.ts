import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compileDeviceRules,
  defaultDeviceRules,
  deviceRuleText,
  type DeviceRule,
} from '../../../src/linux/bpf-devices.ts';

interface Request {
  type: 'b' | 'c';
  major: number;
  minor: number;
  access: string;
}

const wild = (number: number | undefined): boolean => number === undefined || number === -1;

/** The runtime-spec's words: for each access, the last rule in the list that matches decides. */
function allowed(rules: readonly DeviceRule[], request: Request): boolean {
  return [...request.access].every((letter) => {
    const rule = rules.findLast(
      ({ type = 'a', major, minor, access = 'rwm' }) =>
        (type === 'a' || type === request.type) &&
        (wild(major) || major === request.major) &&
        (wild(minor) || minor === request.minor) &&
        access.includes(letter),
    );
    return rule?.allow ?? false;
  });
}

/** The eBPF that the compiler writes, as the kernel would run it. Throws on anything else, and on running off the end. */
function evaluate(program: Uint8Array, { type, major, minor, access }: Request): boolean {
  const bits = [...access].reduce((all, letter) => all | { m: 1, r: 2, w: 4 }[letter]!, 0);
  const context = new DataView(new ArrayBuffer(12));
  context.setUint32(0, (bits << 16) | (type === 'b' ? 1 : 2), true);
  context.setUint32(4, major, true);
  context.setUint32(8, minor, true);
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const registers = new Map<number, bigint>();
  for (let at = 0; ; at += 1) {
    const to = code.getUint8(at * 8 + 1) & 15;
    const from = code.getUint8(at * 8 + 1) >> 4;
    const offset = code.getInt16(at * 8 + 2, true);
    const value = BigInt.asUintN(64, BigInt(code.getInt32(at * 8 + 4, true)));
    const read = (register: number): bigint => {
      const found = registers.get(register);
      if (found === undefined) throw new Error(`r${register} is read before it is written, at ${at}`);
      return found;
    };
    const opcode = code.getUint8(at * 8);
    if (opcode === 0x61) registers.set(to, BigInt(context.getUint32(offset, true)));
    else if (opcode === 0xb7) registers.set(to, value);
    else if (opcode === 0xbf) registers.set(to, read(from));
    else if (opcode === 0x77) registers.set(to, read(to) >> value);
    else if (opcode === 0x57) registers.set(to, read(to) & value);
    else if (opcode === 0x05) at += offset;
    else if (opcode === 0x55) at += read(to) === value ? 0 : offset;
    else if (opcode === 0x45) at += (read(to) & value) === 0n ? 0 : offset;
    else if (opcode === 0x95) return read(0) === 1n;
    else throw new Error(`unknown opcode ${opcode.toString(16)} at ${at}`);
  }
}

const verdict = (rules: readonly DeviceRule[], request: Request): boolean => {
  const program = compileDeviceRules(rules);
  return program === undefined || evaluate(program, request);
};

const access = fc.subarray(['r', 'w', 'm'], { minLength: 1 }).map((letters) => letters.join(''));
const number = fc.constantFrom(0, 1, 3, 4095);
const rule: fc.Arbitrary<DeviceRule> = fc.record(
  {
    allow: fc.boolean(),
    type: fc.constantFrom('a', 'b', 'c'),
    major: fc.oneof(number, fc.constant(-1)),
    minor: fc.oneof(number, fc.constant(-1)),
    access,
  },
  { requiredKeys: ['allow'] },
);
const request: fc.Arbitrary<Request> = fc.record({
  type: fc.constantFrom('b', 'c'),
  major: number,
  minor: number,
  access: fc.oneof(access, fc.constant('')),
});

test('whatever the rules, the program says what reading the list from its end says', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 12 }), request, (rules, asked) => {
      expect(verdict(rules, asked)).toBe(allowed(rules, asked));
    }),
    { numRuns: 3000 },
  );
});

test('every instruction can be reached, as the verifier demands', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 12 }), (rules) => {
      const program = compileDeviceRules(rules);
      if (program === undefined) return;
      const code = new DataView(program.buffer);
      const reached = new Set<number>();
      const pending = [0];
      for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
        if (reached.has(at)) continue;
        expect(at).toBeLessThan(program.length / 8);
        reached.add(at);
        const opcode = code.getUint8(at * 8);
        if (opcode === 0x95) continue;
        if (opcode !== 0x05) pending.push(at + 1);
        if ((opcode & 7) === 5) pending.push(at + 1 + code.getInt16(at * 8 + 2, true));
      }
      expect(reached.size).toBe(program.length / 8);
    }),
  );
});

test('a request for more than a rule allows is denied', () => {
  const rules: DeviceRule[] = [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3, access: 'r' }];
  const nullDevice = { type: 'c', major: 1, minor: 3 } as const;
  expect(verdict(rules, { ...nullDevice, access: 'r' })).toBe(true);
  expect(verdict(rules, { ...nullDevice, access: 'rw' })).toBe(false);
  expect(verdict(rules, { ...nullDevice, access: 'm' })).toBe(false);
  expect(verdict(rules, { ...nullDevice, type: 'b', access: 'r' })).toBe(false);
});

test('two rules together allow what neither allows alone', () => {
  const rules: DeviceRule[] = [
    { allow: true, type: 'c', major: 1, access: 'r' },
    { allow: true, minor: 3, access: 'w' },
  ];
  expect(verdict(rules, { type: 'c', major: 1, minor: 3, access: 'rw' })).toBe(true);
  expect(verdict(rules, { type: 'c', major: 1, minor: 4, access: 'rw' })).toBe(false);
});

test('a later rule takes back what an earlier one allowed', () => {
  const rules: DeviceRule[] = [{ allow: true }, { allow: false, type: 'b', access: 'w' }];
  expect(verdict(rules, { type: 'b', major: 8, minor: 0, access: 'r' })).toBe(true);
  expect(verdict(rules, { type: 'b', major: 8, minor: 0, access: 'rw' })).toBe(false);
});

test('rules that let everything pass need no program', () => {
  expect(compileDeviceRules([{ allow: true }])).toBeUndefined();
  expect(compileDeviceRules([{ allow: false }, { allow: true }, ...defaultDeviceRules])).toBeUndefined();
  expect(compileDeviceRules([])).toBeDefined();
});

test('the default devices stay usable when a spec denies everything', () => {
  const rules = [{ allow: false, access: 'rwm' }, ...defaultDeviceRules];
  expect(verdict(rules, { type: 'c', major: 1, minor: 3, access: 'rw' })).toBe(true);
  expect(verdict(rules, { type: 'c', major: 136, minor: 7, access: 'rw' })).toBe(true);
  expect(verdict(rules, { type: 'b', major: 8, minor: 0, access: 'm' })).toBe(true);
  expect(verdict(rules, { type: 'b', major: 8, minor: 0, access: 'r' })).toBe(false);
});

test('a rule that would be read as another is refused by name', () => {
  expect(() => compileDeviceRules([{ allow: true, type: 'c', major: 2 ** 32 + 1 }])).toThrowErrorMatchingInlineSnapshot(
    `[TareError: device rule "allow c 4294967297:* rwm": 4294967297 is no device number]`,
  );
  expect(() => compileDeviceRules([{ allow: true, access: 'rx' }])).toThrowErrorMatchingInlineSnapshot(
    `[TareError: device rule "allow a *:* rx": access is made of r, w and m, not "x"]`,
  );
  expect(() => compileDeviceRules([{ allow: true, access: '' }])).toThrowErrorMatchingInlineSnapshot(
    `[TareError: device rule "allow a *:* ": access is empty]`,
  );
});

test('a rule reads as devices.allow of cgroup v1 would', () => {
  expect(deviceRuleText({ allow: true, type: 'c', major: 136 })).toBe('allow c 136:* rwm');
  expect(deviceRuleText({ allow: false, minor: -1, access: 'w' })).toBe('deny a *:* w');
});
