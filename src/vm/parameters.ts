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
  readonly network: 'none' | 'user';
  /** Initialize all of the kernel: for a payload that looks into it, or a kernel that nobody has tried this with. */
  readonly wholeKernel?: boolean;
}

export const parametersOf = (machine: Booted): readonly Parameter[] => [
  parameter('console=ttyS0', 'print to the first serial port'),
  parameter('panic=-1', 'reboot at once after a panic, which ends QEMU'),
  parameter('reboot=t', 'by a triple fault, which every board has'),
  ...(machine.trimmed ? trims(machine) : []),
];

function trims(machine: Booted): Parameter[] {
  const { accelerator, tscKhz, wholeKernel } = machine;
  const common = [
    parameter('quiet', 'print warnings only: each character is an exit from the guest'),
    parameter('cryptomgr.notests', 'trust the ciphers that the kernel comes with'),
    parameter('random.trust_cpu=on', 'take randomness from the processor: the guest has no other source yet'),
    parameter('init_on_alloc=0', 'do not clear what the kernel allocates for itself: the guest has one tenant'),
    ...(wholeKernel === true ? [] : omissions(machine)),
  ];
  if (accelerator === 'kvm') return common;
  return [
    ...common,
    parameter('no_timer_check', "do not try out whether the timer's interrupts arrive: translation makes them late"),
    parameter(
      'noreplace-smp',
      'leave the locks of many processors in the code of one: each that is taken out empties caches of the translator',
    ),
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

const without = (initcalls: readonly string[], why: string): Parameter =>
  parameter(`initcall_blacklist=${initcalls.join(',')}`, why);

/** What Linux 6.1 does at every boot for who traces the kernel, loads BPF or checks signatures: nearly half of all instructions. */
const omissions = ({ network }: Booted): Parameter[] => [
  parameter('lsm=landlock', 'only what a payload can use itself: the others want policies that nobody loads'),
  without(
    ['ftrace_check_for_weak_functions', 'trace_eval_init', 'tracer_init_tracefs'],
    'no files for tracing: nobody traces this kernel, and 38,000 names would be looked up',
  ),
  without(
    ['crypto_kdf108_init', 'blake2s_mod_init', 'load_system_certificate_list'],
    'no more tests of ciphers, and no certificates',
  ),
  without(
    ['slab_sysfs_init', 'init_ima', 'snapshot_device_init'],
    'no files for each cache of the kernel, no measuring of files, no hibernation',
  ),
  // TCP's cubic offers functions to BPF, and so reads those types: where there is a network, they are read.
  ...(network === 'user'
    ? []
    : [
        without(
          [
            ...['btf_module_init', 'kfunc_init', 'bpf_key_sig_kfuncs_init', 'bpf_prog_test_run_init'],
            ...['bpf_rstat_kfunc_init', 'bpf_tcp_ca_kfunc_init', 'cubictcp_register'],
          ],
          'do not read 4 MB of types for BPF',
        ),
      ]),
];
