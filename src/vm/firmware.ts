/**
 * The whole software of the empty machine: 64 KiB of firmware, of which not a hundred bytes are code. Pure.
 *
 * The processor starts in 16-bit real mode at 0xfffffff0, sixteen bytes before the end of the firmware (Intel SDM 3A, "First
 * Instruction Executed"). From there it jumps to the first byte, asks CPUID who the hypervisor is, writes the answer to a port
 * that QEMU passes on, and ends the machine by another. It uses no memory, no stack and no interrupt.
 */

export interface Instruction {
  readonly bytes: readonly number[];
  /** In the assembly language of Intel's manual. */
  readonly text: string;
  readonly why: string;
}

/** Where the machine says something, and where it ends itself. */
export const ports = { console: 0xe9, exit: 0xf4 } as const;

/** What the machine writes to the port of exits. QEMU's isa-debug-exit makes `value * 2 + 1` of it. */
export const exitValue = 42;

const size = 0x10000;
const entry = 0xfff0;

/** Opcode and ModR/M of `mov eax, …` with 32 bits, which real mode has behind the prefix 0x66. */
const registers = { ebx: 0xd8, ecx: 0xc8, edx: 0xd0 } as const;

export const emptyProgram: readonly Instruction[] = [
  {
    bytes: [0x66, 0xb8, 0, 0, 0, 0x40],
    text: 'mov eax, 0x40000000',
    why: 'the leaf in which hypervisors name themselves',
  },
  { bytes: [0x0f, 0xa2], text: 'cpuid', why: 'the hypervisor must answer in the place of the processor' },
  ...(['ebx', 'ecx', 'edx'] as const).flatMap((register): Instruction[] => [
    { bytes: [0x66, 0x89, registers[register]], text: `mov eax, ${register}`, why: 'four characters of its name' },
    ...Array.from({ length: 4 }, (): Instruction[] => [
      { bytes: [0xe6, ports.console], text: `out 0x${ports.console.toString(16)}, al`, why: 'say one' },
      { bytes: [0x66, 0xc1, 0xe8, 8], text: 'shr eax, 8', why: 'the next' },
    ]).flat(),
  ]),
  { bytes: [0xb0, exitValue], text: `mov al, ${exitValue}`, why: 'a value by which our end is told from others' },
  { bytes: [0xe6, ports.exit], text: `out 0x${ports.exit.toString(16)}, al`, why: 'end the machine' },
  { bytes: [0xf4], text: 'hlt', why: 'were there no such port' },
  { bytes: [0xeb, 0xfd], text: 'jmp $-1', why: 'an interrupt would go on from here' },
];

/** The distance wraps around at 64 KiB, to the first byte. */
export const firstInstruction: Instruction = {
  bytes: [0xe9, size - entry - 3, 0],
  text: 'jmp 0',
  why: 'sixteen bytes are not enough',
};

export function emptyFirmware(): Buffer {
  const image = Buffer.alloc(size);
  image.set(
    emptyProgram.flatMap(({ bytes }) => [...bytes]),
    0,
  );
  image.set(firstInstruction.bytes, entry);
  return image;
}
