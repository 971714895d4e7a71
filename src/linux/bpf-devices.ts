/**
 * Device rules of cgroup v2 as an eBPF program: v2 has no `devices.allow`, it asks a program of type
 * BPF_PROG_TYPE_CGROUP_DEVICE at every open and mknod of a device node, and 0 means EPERM.
 *
 * The program walks the rules from the last to the first with the accesses that are still undecided:
 *
 *     undecided = what is asked for (read, write, mknod)
 *     rule denies  any of undecided  → return 0
 *     rule allows  some of undecided → undecided -= those; none left → return 1
 *     no rule left                   → return 0
 *
 * so for each access the last matching rule of the list decides, and a request passes only where all of it is allowed.
 *
 * bpf(2) takes a command, a `union bpf_attr` and its size; linux/bpf.h, offsets in bytes:
 *
 *     BPF_PROG_LOAD (5)                      BPF_PROG_ATTACH (8)
 *      0 u32 prog_type = CGROUP_DEVICE (15)   0 u32 target_fd      the cgroup directory, opened O_RDONLY
 *      4 u32 insn_cnt  = bytes / 8            4 u32 attach_bpf_fd  from BPF_PROG_LOAD; may be closed afterwards
 *      8 u64 address of the program           8 u32 attach_type  = CGROUP_DEVICE (6)
 *     16 u64 address of the licence          12 u32 attach_flags = ALLOW_MULTI (2): ancestors' programs judge too
 *     24 u32 log_level, 28 u32 log_size      16 bytes in all
 *     32 u64 address of the log
 *     40 bytes in all
 */
import { TareError } from '../errors.ts';

/** An entry of `linux.resources.devices` in the runtime-spec ("Allowed Device list"). */
export interface DeviceRule {
  allow: boolean;
  /** Absent means all, as `a` does. */
  type?: 'a' | 'b' | 'c';
  /** Absent or -1 means every one. */
  major?: number;
  minor?: number;
  /** Of `r`, `w` and `m`; absent means all three. */
  access?: string;
}

/**
 * What every container may use whatever its list says: the runtime-spec's "Default Devices", pseudo-terminals, and
 * making device nodes (using them is what the rules are about). Goes behind the spec's own rules.
 */
export const defaultDeviceRules: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }, // null
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' }, // zero
  { allow: true, type: 'c', major: 1, minor: 7, access: 'rwm' }, // full
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' }, // random
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' }, // urandom
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' }, // tty
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' }, // ptmx
  { allow: true, type: 'c', major: 136, access: 'rwm' }, // pts/*
];

const wild = (number: number | undefined): boolean => number === undefined || number === -1;

/** `allow c 1:3 rwm`, a `*` for every number. */
export function deviceRuleText({ allow, type = 'a', major, minor, access = 'rwm' }: DeviceRule): string {
  const show = (number: number | undefined): string => (wild(number) ? '*' : String(number));
  return `${allow ? 'allow' : 'deny'} ${type} ${show(major)}:${show(minor)} ${access}`;
}

/** BPF_DEVCG_ACC_* and BPF_DEVCG_DEV_* of linux/bpf.h. */
const accessBits = { m: 1, r: 2, w: 4 } as const;
const allAccess = 7;
const typeCodes = { b: 1, c: 2 } as const;

const r0 = 0;
/** The context: `struct bpf_cgroup_dev_ctx { u32 access << 16 | type; u32 major; u32 minor; }`. */
const context = 1;
const type = 2;
const undecided = 3;
const major = 4;
const minor = 5;

/** Opcodes: instruction class, operation and source in one byte (Documentation/bpf/standardization/instruction-set.rst). */
const op = {
  load32: 0x61,
  move: 0xb7,
  moveRegister: 0xbf,
  shiftRight: 0x77,
  and: 0x57,
  jump: 0x05,
  jumpIfNot: 0x55,
  jumpIfAnyBit: 0x45,
  exit: 0x95,
} as const;

interface Instruction {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  /** Of a jump: how many instructions to pass over. Of a load: bytes. */
  readonly offset?: number;
  readonly value?: number;
}

const answer = (value: 0 | 1): Instruction[] => [{ code: op.move, to: r0, value }, { code: op.exit }];

const prologue: readonly Instruction[] = [
  { code: op.load32, to: type, from: context, offset: 0 },
  { code: op.moveRegister, to: undecided, from: type },
  { code: op.shiftRight, to: undecided, value: 16 },
  { code: op.and, to: type, value: 0xffff },
  { code: op.load32, to: major, from: context, offset: 4 },
  { code: op.load32, to: minor, from: context, offset: 8 },
  // access(2) with X_OK on a device asks for nothing that rules are about.
  { code: op.jumpIfNot, to: undecided, value: 0, offset: 2 },
  ...answer(1),
];

function accessMask(rule: DeviceRule): number {
  let mask = 0;
  for (const letter of rule.access ?? 'rwm') {
    const bit = accessBits[letter as keyof typeof accessBits] as number | undefined;
    if (bit === undefined) throw refuse(rule, `access is made of r, w and m, not ${JSON.stringify(letter)}`);
    mask |= bit;
  }
  if (mask === 0) throw refuse(rule, 'access is empty');
  return mask;
}

const refuse = (rule: DeviceRule, fault: string): TareError =>
  new TareError(`device rule ${JSON.stringify(deviceRuleText(rule))}: ${fault}`);

/** The comparisons that a device must pass for the rule to be about it: register and value. */
function conditions(rule: DeviceRule): [register: number, value: number][] {
  const found: [number, number][] = [];
  if (rule.type === 'b' || rule.type === 'c') found.push([type, typeCodes[rule.type]]);
  for (const [register, number] of [
    [major, rule.major],
    [minor, rule.minor],
  ] as const) {
    if (number === undefined || number === -1) continue;
    // An instruction holds 32 bits with a sign: a larger number would wrap round to another device's.
    if (!Number.isInteger(number) || number < 0 || number > 0x7fff_ffff) {
      throw refuse(rule, `${number} is no device number`);
    }
    found.push([register, number]);
  }
  return found;
}

function decide({ allow }: DeviceRule, mask: number): Instruction[] {
  if (mask === allAccess) return answer(allow ? 1 : 0);
  if (allow) {
    return [
      { code: op.and, to: undecided, value: allAccess & ~mask },
      { code: op.jumpIfNot, to: undecided, value: 0, offset: 2 },
      ...answer(1),
    ];
  }
  return [{ code: op.jumpIfAnyBit, to: undecided, value: mask, offset: 1 }, { code: op.jump, offset: 2 }, ...answer(0)];
}

/** `struct bpf_insn`: u8 code, u4 destination, u4 source, s16 offset, s32 value; little endian. */
function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, to = 0, from = 0, offset = 0, value = 0 }] of instructions.entries()) {
    view.setUint8(index * 8, code);
    view.setUint8(index * 8 + 1, (from << 4) | to);
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, value, true);
  }
  return bytes;
}

/**
 * The program for a list of rules, 8 bytes an instruction, or undefined where the rules let everything pass and no
 * program is the better program (attaching one needs CAP_BPF and a cgroup). What no rule allows is denied.
 *
 * Throws a `TareError` that names the rule with a bad access or number.
 */
export function compileDeviceRules(rules: readonly DeviceRule[]): Uint8Array | undefined {
  const instructions: Instruction[] = [...prologue];
  let mayDeny = false;
  for (const rule of rules.toReversed()) {
    const tests = conditions(rule);
    const mask = accessMask(rule);
    const body = decide(rule, mask);
    mayDeny ||= !rule.allow;
    for (const [index, [register, value]] of tests.entries()) {
      const offset = tests.length - index - 1 + body.length;
      instructions.push({ code: op.jumpIfNot, to: register, value, offset });
    }
    instructions.push(...body);
    // Nothing gets past such a rule, and the kernel's verifier rejects instructions that nothing reaches.
    if (tests.length === 0 && mask === allAccess) return mayDeny ? encode(instructions) : undefined;
  }
  return encode([...instructions, ...answer(0)]);
}
