/** Classic BPF as seccomp(2) runs it, for tests: an interpreter of `struct sock_filter[]` over `struct seccomp_data`. */

export interface Call {
  readonly arch: number;
  readonly number: number;
  readonly args: readonly bigint[];
}

export const AUDIT_ARCH = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028 };

export const RET = {
  KILL_PROCESS: 0x80000000,
  TRAP: 0x00030000,
  LOG: 0x7ffc0000,
  ALLOW: 0x7fff0000,
  errno: (number: number): number => 0x00050000 + number,
};

/** As seccomp(2) names what a filter returns. */
export function verdictName(action: number): string {
  const [name] = Object.entries(RET).find(([, value]) => value === action) ?? [];
  return name ?? (action >> 16 === 5 ? `ERRNO ${action & 0xffff}` : `0x${action.toString(16)}`);
}

function seccompData({ arch, number, args }: Call): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, number, true);
  view.setUint32(4, arch, true);
  for (let i = 0; i < 6; i += 1) view.setBigUint64(16 + i * 8, BigInt.asUintN(64, args[i] ?? 0n), true);
  return view;
}

/** What the filter returns for a call. Throws on an unknown instruction and on running off the end. */
export function evaluate(bpf: Uint8Array, call: Call): number {
  const code = new DataView(bpf.buffer, bpf.byteOffset, bpf.byteLength);
  const data = seccompData(call);
  let a = 0;
  for (let at = 0; at < code.byteLength / 8; at += 1) {
    const opcode = code.getUint16(at * 8, true);
    const jump = (yes: boolean): number => code.getUint8(at * 8 + (yes ? 2 : 3));
    const k = code.getUint32(at * 8 + 4, true);
    if (opcode === 0x20) a = data.getUint32(k, true);
    else if (opcode === 0x54) a = (a & k) >>> 0;
    else if (opcode === 0x05) at += k;
    else if (opcode === 0x15) at += jump(a === k);
    else if (opcode === 0x25) at += jump(a > k);
    else if (opcode === 0x35) at += jump(a >= k);
    else if (opcode === 0x06) return k;
    else throw new Error(`unknown opcode 0x${opcode.toString(16)} at ${at}`);
  }
  throw new Error('ran off the end');
}

/** A line for each instruction, with the targets of jumps. */
export function disassemble(bpf: Buffer): string {
  const lines = Array.from({ length: bpf.length / 8 }, (_, at) => {
    const [opcode, k] = [bpf.readUInt16LE(at * 8), bpf.readUInt32LE(at * 8 + 4)];
    const targets = `${at + 1 + bpf.readUInt8(at * 8 + 2)} : ${at + 1 + bpf.readUInt8(at * 8 + 3)}`;
    const hex = `0x${k.toString(16)}`;
    const texts: Record<number, string> = {
      0x20: `load [${k}]`,
      0x54: `and ${hex}`,
      0x05: `goto ${at + 1 + k}`,
      0x15: `== ${hex} ? ${targets}`,
      0x25: `> ${hex} ? ${targets}`,
      0x35: `>= ${hex} ? ${targets}`,
      0x06: verdictName(k),
    };
    return `${String(at).padStart(3)}  ${texts[opcode] ?? `opcode 0x${opcode.toString(16)}`}`;
  });
  return lines.join('\n');
}
