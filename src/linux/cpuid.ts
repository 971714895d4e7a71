/** What the processor says of itself, and a hypervisor of itself in its place: the CPUID instruction. Pure. */

/** EAX, EBX, ECX, EDX. */
export type Registers = readonly [eax: number, ebx: number, ecx: number, edx: number];

/** By leaf, as `0x40000000`; empty where there is no such instruction. */
export type Cpuid = Readonly<Record<string, Registers>>;

/** Where hypervisors answer: the first, and what each may stack upon it, 0x100 apart. */
const bases = Array.from({ length: 4 }, (_, index) => 0x40000000 + index * 0x100);
/** The leaves that tell of hypervisors. */
export const cpuidLeaves: readonly number[] = [0x1, ...bases.flatMap((base) => [base, base + 3])];

export const leafName = (leaf: number): string => `0x${leaf.toString(16).padStart(8, '0')}`;

/** Bit 31 of ECX in leaf 1, which no processor sets and hypervisors do; undefined where that is not known. */
export const hasHypervisorBit = (cpuid: Cpuid): boolean | undefined => {
  const features = cpuid[leafName(1)];
  return features === undefined ? undefined : features[2] >>> 31 === 1;
};

/** The twelve characters by which each hypervisor names itself in EBX, ECX and EDX of its first leaf. */
export function signatures(cpuid: Cpuid): { readonly leaf: number; readonly text: string }[] {
  if (hasHypervisorBit(cpuid) !== true) return [];
  return bases.flatMap((leaf) => {
    const [highest, ...letters] = cpuid[leafName(leaf)] ?? [0, 0, 0, 0];
    const bytes = Buffer.alloc(12);
    letters.forEach((word, index) => bytes.writeUInt32LE(word >>> 0, index * 4));
    const text = bytes.toString('latin1').replace(/\0+$/, '');
    // Past the last of them, processors answer with whatever is in their highest basic leaf. KVM's EAX may be 0, which stands for 1.
    const answers = /^[\x20-\x7e]+$/.test(text) && (highest === 0 || highest >>> 8 === leaf >>> 8);
    return answers ? [{ leaf, text }] : [];
  });
}
