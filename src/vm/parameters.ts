/** The kernel's command line of a virtual machine, each word with its reason. Pure. */

/** Of Documentation/admin-guide/kernel-parameters.txt. */
export interface Parameter {
  readonly text: string;
  readonly why: string;
}

const parameter = (text: string, why: string): Parameter => ({ text, why });

/** What the kernel's parameters depend on. */
export interface Booted {
  readonly accelerator: 'kvm' | 'tcg';
  readonly trimmed: boolean;
  readonly tscKhz?: number;
}

export const parametersOf = (machine: Booted): readonly Parameter[] => [
  parameter('console=ttyS0', 'print to the first serial port'),
  parameter('panic=-1', 'reboot at once after a panic, which ends QEMU'),
  parameter('reboot=t', 'by a triple fault, which every board has'),
  ...(machine.trimmed ? trims(machine) : []),
];

function trims({ accelerator, tscKhz }: Booted): Parameter[] {
  const common = [
    parameter('quiet', 'print warnings only: each character is an exit from the guest'),
    parameter('cryptomgr.notests', 'trust the ciphers that the kernel comes with'),
    parameter('random.trust_cpu=on', 'take randomness from the processor: the guest has no other source yet'),
  ];
  if (accelerator === 'kvm') return common;
  return [
    ...common,
    parameter('no_timer_check', "do not try out whether the timer's interrupts arrive: translation makes them late"),
    ...(tscKhz === undefined
      ? []
      : [
          parameter(
            `tsc_early_khz=${tscKhz}`,
            "the host's clock rate: with no PIT to measure it by, the guest would hang",
          ),
          parameter('tsc=reliable', 'tell time by that clock: nothing is there to check it by, and ticks are of 4 ms'),
        ]),
  ];
}
