import { describe, expect, test } from 'vitest';
import type { Machine } from '../../../src/vm/machine.ts';
import { argvOf, planMachine } from '../../../src/vm/machine-plan.ts';

const machine: Machine = {
  name: 'box',
  accelerator: 'tcg',
  type: 'microvm',
  devices: 'virtio',
  cpus: 1,
  memory: 256 * 2 ** 20,
  kernel: '/vmlinux',
  initramfs: '/initramfs',
  disks: [{ path: '/image', readOnly: true }],
  network: 'none',
  shares: [],
  channel: 3,
  monitor: 4,
  trimmed: true,
  tscKhz: 2_596_120,
};

const text = (changes: Partial<Machine> = {}): string =>
  planMachine({ ...machine, ...changes })
    .options.map(({ words }) => words.join(' '))
    .join('\n');

/** Options that are there after the changes only, and before them only. */
function difference(changes: Partial<Machine>): string {
  const [before, after] = [text().split('\n'), text(changes).split('\n')];
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ].join('\n');
}

describe('a machine', () => {
  test('is a list of options, each with its reason', () => {
    const { options } = planMachine(machine);
    expect(options.map(({ words, why }) => `${words.join(' ')}\n    ${why}`).join('\n')).toMatchInlineSnapshot(`
      "-name box,process=tare-vm
          be found in lists of processes
      -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on
          the least board that runs Linux: virtio at fixed addresses, no PCI, no BIOS menus
      -accel tcg,thread=single
          QEMU translates the guest: no help from the processor
      -cpu max,-erms,-fsrm
          every feature that the translator knows but copying by single bytes: by eight it takes an eighth of the time
      -smp 1
          one processor
      -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
          QEMU itself may call nothing that it does not need: seccomp(2)
      -no-user-config
          no configuration of the host has a say
      -nodefaults
          only what is on this list
      -display none
          no window
      -no-reboot
          a guest that reboots, as after a panic, has ended
      -device isa-debug-exit,iobase=0xf4,iosize=1
          a guest that cannot speak to us ends QEMU with a status
      -m 256M
          256M of memory
      -chardev stdio,id=console,signal=off
          what the guest prints goes to our pipe
      -serial chardev:console
          its first serial port, a 16550: it works before any driver does
      -chardev socket,id=channel,fd=3
          a socket of ours for frames
      -device virtio-serial-device,max_ports=2
          a bus for one port to the host, besides port 0
      -device virtserialport,chardev=channel,name=tare
          the port on which guest and host exchange frames
      -chardev socket,id=monitor,fd=4
          a socket of ours for QMP
      -mon chardev=monitor,mode=control
          ask QEMU and be told by it
      -drive if=none,id=disk0,format=raw,file=/image,read-only=on
          the image, which is only read
      -device virtio-blk-device,drive=disk0
          a virtio disk
      -nic none
          no network
      -kernel /vmlinux
          the kernel, loaded by QEMU: no boot loader
      -initrd /initramfs
          the first files: modules and init
      -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init initcall_blacklist=btf_module_init,kfunc_init,bpf_key_sig_kfuncs_init,bpf_prog_test_run_init,bpf_rstat_kfunc_init,bpf_tcp_ca_kfunc_init,cubictcp_register no_timer_check noreplace-smp tsc_early_khz=2596120 tsc=reliable
          the kernel's parameters"
    `);
  });

  test('tells the kernel what it need not find out, each word with its reason', () => {
    const { parameters } = planMachine(machine);
    expect(parameters.map(({ text, why }) => `${text.padEnd(24)} ${why}`).join('\n')).toMatchInlineSnapshot(`
      "console=ttyS0            print to the first serial port
      panic=-1                 reboot at once after a panic, which ends QEMU
      reboot=t                 by a triple fault, which every board has
      quiet                    print warnings only: each character is an exit from the guest
      cryptomgr.notests        trust the ciphers that the kernel comes with
      random.trust_cpu=on      take randomness from the processor: the guest has no other source yet
      init_on_alloc=0          do not clear what the kernel allocates for itself: the guest has one tenant
      lsm=landlock             only what a payload can use itself: the others want policies that nobody loads
      initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs no files for tracing: nobody traces this kernel, and 38,000 names would be looked up
      initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list no more tests of ciphers, and no certificates
      initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init no files for each cache of the kernel, no measuring of files, no hibernation
      initcall_blacklist=btf_module_init,kfunc_init,bpf_key_sig_kfuncs_init,bpf_prog_test_run_init,bpf_rstat_kfunc_init,bpf_tcp_ca_kfunc_init,cubictcp_register do not read 4 MB of types for BPF
      no_timer_check           do not try out whether the timer's interrupts arrive: translation makes them late
      noreplace-smp            leave the locks of many processors in the code of one: each that is taken out empties caches of the translator
      tsc_early_khz=2596120    the host's clock rate: with no PIT to measure it by, the guest would hang
      tsc=reliable             tell time by that clock: nothing is there to check it by, and ticks are of 4 ms"
    `);
  });

  test('passes each word on by itself, for no shell reads it', () => {
    expect(argvOf(planMachine({ ...machine, initramfs: '/a b;c' }))).toContain('/a b;c');
  });

  test('initializes all of the kernel for who looks into it, and its BPF types for a network', () => {
    const blacklists = (change: Partial<Machine>): string[] =>
      planMachine({ ...machine, ...change })
        .parameters.map(({ text }) => text)
        .filter((text) => /^(initcall_blacklist|lsm)=/.test(text));
    expect(blacklists({})).toHaveLength(5);
    expect(blacklists({ network: 'user' }).join(' ')).not.toContain('cubictcp_register');
    expect(blacklists({ wholeKernel: true })).toEqual([]);
  });

  test('leaves the work to the processor under KVM', () => {
    expect(difference({ accelerator: 'kvm' })).toMatchInlineSnapshot(`
      "- -accel tcg,thread=single
      - -cpu max,-erms,-fsrm
      - -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init initcall_blacklist=btf_module_init,kfunc_init,bpf_key_sig_kfuncs_init,bpf_prog_test_run_init,bpf_rstat_kfunc_init,bpf_tcp_ca_kfunc_init,cubictcp_register no_timer_check noreplace-smp tsc_early_khz=2596120 tsc=reliable
      + -accel kvm
      + -cpu host
      + -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init initcall_blacklist=btf_module_init,kfunc_init,bpf_key_sig_kfuncs_init,bpf_prog_test_run_init,bpf_rstat_kfunc_init,bpf_tcp_ca_kfunc_init,cubictcp_register"
    `);
  });

  test('has a PCI bus as a q35', () => {
    expect(difference({ type: 'q35' })).toMatchInlineSnapshot(`
      "- -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on
      - -device virtio-serial-device,max_ports=2
      - -device virtio-blk-device,drive=disk0
      + -machine q35,smm=off,vmport=off,graphics=off,usb=off,hpet=off
      + -device virtio-serial-pci,max_ports=2
      + -device virtio-blk-pci,drive=disk0"
    `);
  });

  test('imitates the hardware of a PC', () => {
    expect(difference({ type: 'pc', devices: 'emulated', network: 'user' })).toMatchInlineSnapshot(`
      "- -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on
      - -device virtio-serial-device,max_ports=2
      - -device virtserialport,chardev=channel,name=tare
      - -drive if=none,id=disk0,format=raw,file=/image,read-only=on
      - -device virtio-blk-device,drive=disk0
      - -nic none
      - -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init initcall_blacklist=btf_module_init,kfunc_init,bpf_key_sig_kfuncs_init,bpf_prog_test_run_init,bpf_rstat_kfunc_init,bpf_tcp_ca_kfunc_init,cubictcp_register no_timer_check noreplace-smp tsc_early_khz=2596120 tsc=reliable
      + -machine pc,smm=off,vmport=off,graphics=off,usb=off,hpet=off
      + -serial chardev:channel
      + -drive if=none,id=disk0,format=raw,file=/image,snapshot=on
      + -device ide-hd,drive=disk0,bus=ide.0
      + -netdev user,id=net
      + -device e1000,netdev=net,romfile=
      + -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init no_timer_check noreplace-smp tsc_early_khz=2596120 tsc=reliable"
    `);
    expect(difference({ type: 'q35', devices: 'emulated' })).toMatchInlineSnapshot(`
      "- -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on
      - -device virtio-serial-device,max_ports=2
      - -device virtserialport,chardev=channel,name=tare
      - -drive if=none,id=disk0,format=raw,file=/image,read-only=on
      - -device virtio-blk-device,drive=disk0
      + -machine q35,smm=off,vmport=off,graphics=off,usb=off,hpet=off
      + -serial chardev:channel
      + -drive if=none,id=disk0,format=raw,file=/image,snapshot=on
      + -device ide-hd,drive=disk0,bus=ide.0"
    `);
  });

  test('has a network without privileges', () => {
    expect(difference({ network: 'user' })).toMatchInlineSnapshot(`
      "- -nic none
      - -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init initcall_blacklist=btf_module_init,kfunc_init,bpf_key_sig_kfuncs_init,bpf_prog_test_run_init,bpf_rstat_kfunc_init,bpf_tcp_ca_kfunc_init,cubictcp_register no_timer_check noreplace-smp tsc_early_khz=2596120 tsc=reliable
      + -netdev user,id=net
      + -device virtio-net-device,netdev=net
      + -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init no_timer_check noreplace-smp tsc_early_khz=2596120 tsc=reliable"
    `);
    expect(difference({ type: 'q35', network: 'user' })).toContain('virtio-net-pci,netdev=net,romfile=');
  });

  test('has a network behind a tap of a namespace of the host', () => {
    const network = { name: 'tap0', namespace: '/proc/7/ns/net' };
    expect(difference({ network })).toMatchInlineSnapshot(`
      "- -nic none
      - -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init initcall_blacklist=btf_module_init,kfunc_init,bpf_key_sig_kfuncs_init,bpf_prog_test_run_init,bpf_rstat_kfunc_init,bpf_tcp_ca_kfunc_init,cubictcp_register no_timer_check noreplace-smp tsc_early_khz=2596120 tsc=reliable
      + -netdev tap,id=net,ifname=tap0,script=no,downscript=no,vhost=off
      + -device virtio-net-device,netdev=net
      + -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init no_timer_check noreplace-smp tsc_early_khz=2596120 tsc=reliable"
    `);
    expect(difference({ network, type: 'q35', devices: 'emulated' })).toContain('+ -device e1000,netdev=net,romfile=');
  });

  test('has a disk to write to, which the host does not cache', () => {
    const disks = [...machine.disks, { path: '/data', readOnly: false }];
    expect(difference({ disks })).toMatchInlineSnapshot(`
      "+ -drive if=none,id=disk1,format=raw,file=/data,cache=none,aio=native
      + -device virtio-blk-device,drive=disk1"
    `);
  });

  test('shares directories of the host, whose server needs the memory', () => {
    expect(difference({ shares: [{ tag: 'src', socket: '/share' }] })).toMatchInlineSnapshot(`
      "- -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on
      + -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on,memory-backend=ram
      + -object memory-backend-memfd,id=ram,size=256M,share=on
      + -global virtio-mmio.force-legacy=false
      + -chardev socket,id=share0,path=/share
      + -device vhost-user-fs-device,chardev=share0,tag=src"
    `);
  });

  test('has a balloon, after the port that the guest counts from 0', () => {
    expect(difference({ balloon: true })).toMatchInlineSnapshot(`"+ -device virtio-balloon-device,deflate-on-oom=on"`);
    expect(difference({ balloon: true, type: 'q35' })).toContain('+ -device virtio-balloon-pci,');
    const emulated = { ...machine, type: 'q35', devices: 'emulated', balloon: true } as const;
    expect(() => planMachine(emulated)).toThrowErrorMatchingInlineSnapshot(
      `[TareError: give a machine of emulated devices a balloon (hint: it is a virtio device: no hardware has ever given memory back)]`,
    );
  });

  test('is kept in a file, and resumed from it', () => {
    expect(difference({ memoryFile: { path: '/ram', share: true } })).toMatchInlineSnapshot(`
      "- -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on
      + -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on,memory-backend=ram
      + -object memory-backend-file,id=ram,size=256M,mem-path=/ram,share=on"
    `);
    expect(difference({ memoryFile: { path: '/ram', share: false }, resumes: true })).toMatchInlineSnapshot(`
      "- -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on
      + -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on,memory-backend=ram
      + -object memory-backend-file,id=ram,size=256M,mem-path=/ram,share=off
      + -incoming defer"
    `);
  });

  test('is as QEMU has it by default where it is not trimmed', () => {
    expect(difference({ type: 'q35', trimmed: false })).toMatchInlineSnapshot(`
      "- -machine microvm,acpi=on,pcie=off,usb=off,rtc=on,pic=off,pit=off,isa-serial=on
      - -cpu max,-erms,-fsrm
      - -nodefaults
      - -device virtio-serial-device,max_ports=2
      - -device virtio-blk-device,drive=disk0
      - -nic none
      - -append console=ttyS0 panic=-1 reboot=t quiet cryptomgr.notests random.trust_cpu=on init_on_alloc=0 lsm=landlock initcall_blacklist=ftrace_check_for_weak_functions,trace_eval_init,tracer_init_tracefs initcall_blacklist=crypto_kdf108_init,blake2s_mod_init,load_system_certificate_list initcall_blacklist=slab_sysfs_init,init_ima,snapshot_device_init initcall_blacklist=btf_module_init,kfunc_init,bpf_key_sig_kfuncs_init,bpf_prog_test_run_init,bpf_rstat_kfunc_init,bpf_tcp_ca_kfunc_init,cubictcp_register no_timer_check noreplace-smp tsc_early_khz=2596120 tsc=reliable
      + -machine q35
      + -cpu max
      + -device virtio-serial-pci,max_ports=2
      + -device virtio-blk-pci,drive=disk0
      + -append console=ttyS0 panic=-1 reboot=t"
    `);
  });

  test('measures the clock itself where its rate is not known', () => {
    expect(text({ tscKhz: undefined })).not.toContain('tsc_early_khz');
  });

  test('refuses emulated devices on a board without a place for them', () => {
    expect(() => planMachine({ ...machine, devices: 'emulated' })).toThrowErrorMatchingInlineSnapshot(
      `[TareError: give a microvm emulated devices (hint: it has no PCI bus, nor a place for them: use --machine q35 or --machine pc)]`,
    );
  });

  test('refuses to share a directory without virtio', () => {
    const shares = [{ tag: 'src', socket: '/share' }];
    expect(() =>
      planMachine({ ...machine, type: 'pc', devices: 'emulated', shares }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[TareError: share a directory with a machine of emulated devices (hint: virtiofs is a virtio device: use --devices virtio, or leave out -v)]`,
    );
  });
});
