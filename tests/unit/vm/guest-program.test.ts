/** What pid 1 of a guest runs, as text. */
import { expect, test } from 'vitest';
import { explain } from '../../../src/launch/explain.ts';
import { guestDevices } from '../../../src/vm/guest-devices.ts';
import { bootFailure, bootProgram, wakeProgram, worldProgram } from '../../../src/vm/guest-program.ts';

const options = { format: 'erofs', shares: false } as const;
const microvm = guestDevices({ type: 'microvm', devices: 'virtio', network: 'none' }, options);
const pc = guestDevices({ type: 'pc', devices: 'emulated', network: 'user' }, options);
const text = (program: Parameters<typeof explain>[0]) => `\n${explain(program, { column: 64 })}`;

test('every board and every kind of device has its drivers and its nodes', () => {
  const q35 = guestDevices({ type: 'q35', devices: 'virtio', network: 'user' }, { format: 'squashfs', shares: true });
  const one = (devices: typeof pc) =>
    `${devices.early.join(' ') || 'nothing'} for ${devices.channel.node}, then ${devices.late.join(' ')} for ${devices.disk}`;
  expect([microvm, q35, pc].map(one)).toMatchInlineSnapshot(`
    [
      "virtio_mmio virtio_console for /dev/vport0p1, then virtio_blk crc32c_generic erofs overlay for /dev/vda",
      "virtio_pci virtio_console for /dev/vport0p1, then virtio_blk squashfs overlay virtiofs virtio_net for /dev/vda",
      "nothing for /dev/ttyS1, then ata_piix sd_mod crc32c_generic erofs overlay e1000 for /dev/sda",
    ]
  `);
});

test('the boot program does no more than it takes to hear the host', () => {
  const program = bootProgram(['virtio_ring', 'virtio', 'virtio_mmio', 'virtio_console'], microvm);
  expect(program.report?.name).toBe('channel');
  expect(text(program)).toMatchInlineSnapshot(`
    "
    devices
       0  mount("devtmpfs", "/dev", "devtmpfs", 0, 0)               let the kernel make the nodes of devices

    drivers
       1  $module = openat(AT_FDCWD, "/modules/virtio_ring.ko", O_RDONLY|O_CLOEXEC, 0)
                                                                    open the module virtio_ring
       2  finit_module($module, "", 0)                              load virtio_ring
       3  close($module)                                            close the module virtio_ring
       4  $module = openat(AT_FDCWD, "/modules/virtio.ko", O_RDONLY|O_CLOEXEC, 0)
                                                                    open the module virtio
       5  finit_module($module, "", 0)                              load virtio
       6  close($module)                                            close the module virtio
       7  $module = openat(AT_FDCWD, "/modules/virtio_mmio.ko", O_RDONLY|O_CLOEXEC, 0)
                                                                    open the module virtio_mmio
       8  finit_module($module, "", 0)                              load virtio_mmio
       9  close($module)                                            close the module virtio_mmio
      10  $module = openat(AT_FDCWD, "/modules/virtio_console.ko", O_RDONLY|O_CLOEXEC, 0)
                                                                    open the module virtio_console
      11  finit_module($module, "", 0)                              load virtio_console
      12  close($module)                                            close the module virtio_console

    channel
      13  faccessat2(AT_FDCWD, "/dev/vport0p1", 0, 0)               wait for the channel to the host
      14  $channel = openat(AT_FDCWD, "/dev/vport0p1", O_RDWR|O_NOCTTY|O_CLOEXEC, 0)
                                                                    open the channel to the host
    "
  `);
});

test('a serial line becomes a channel when nothing is interpreted on it', () => {
  expect(text(bootProgram([], pc))).toMatchInlineSnapshot(`
    "
    devices
       0  mount("devtmpfs", "/dev", "devtmpfs", 0, 0)               let the kernel make the nodes of devices

    channel
       1  faccessat2(AT_FDCWD, "/dev/ttyS1", 0, 0)                  wait for the channel to the host
       2  $channel = openat(AT_FDCWD, "/dev/ttyS1", O_RDWR|O_NOCTTY|O_CLOEXEC, 0)
                                                                    open the channel to the host
       3  ioctl($channel, TCSETS, {c_cflag: B115200|CS8|CREAD|CLOCAL})
                                                                    let every byte pass it as it is
    "
  `);
});

test('the world program mounts the image and the volumes below a root that can be left', () => {
  const { program } = worldProgram({
    modules: ['virtio_blk', 'erofs'],
    disk: { node: '/dev/vda', format: 'erofs' },
    volumes: true,
    network: 'user',
    time: 1_700_000_000_000_000_005n,
  });
  expect(text(program)).toMatchInlineSnapshot(`
    "
    clock
       0  clock_settime(CLOCK_REALTIME, {1700000000 s, 5 ns})       set the clock by the host's

    drivers
       1  $module = openat(AT_FDCWD, "/modules/virtio_blk.ko", O_RDONLY|O_CLOEXEC, 0)
                                                                    open the module virtio_blk
       2  finit_module($module, "", 0)                              load virtio_blk
       3  close($module)                                            close the module virtio_blk
       4  $module = openat(AT_FDCWD, "/modules/erofs.ko", O_RDONLY|O_CLOEXEC, 0)
                                                                    open the module erofs
       5  finit_module($module, "", 0)                              load erofs
       6  close($module)                                            close the module erofs

    root
       7  umask(0)                                                  give files exactly the modes we name
       8  mount("tmpfs", "/root", "tmpfs", MS_NOSUID|MS_NODEV, "mode=755")
                                                                    make a root that can be left: the initramfs cannot
       9  mkdirat(AT_FDCWD, "/root/dev", 0755)                      make /dev
      10  mkdirat(AT_FDCWD, "/root/proc", 0755)                     make /proc
      11  mkdirat(AT_FDCWD, "/root/image", 0755)                    make /image
      12  mkdirat(AT_FDCWD, "/root/scratch", 0755)                  make /scratch
      13  mkdirat(AT_FDCWD, "/root/volumes", 0755)                  make /volumes
      14  mount("/dev", "/root/dev", 0, MS_MOVE, 0)                 take the devices along
      15  mount("proc", "/root/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, 0)
                                                                    mount proc

    image
      16  faccessat2(AT_FDCWD, "/root/dev/vda", 0, 0)               wait for the disk with the image
      17  mount("/root/dev/vda", "/root/image", "erofs", MS_RDONLY|MS_NODEV, 0)
                                                                    mount the image
      18  mount("volumes", "/root/volumes", "virtiofs", 0, 0)       mount the volumes of the host

    switch
      19  chdir("/root")                                            go to the new root
      20  mount(".", "/", 0, MS_MOVE, 0)                            put it over the old one
      21  chroot(".")                                               make it the root
      22  chdir("/")                                                stand in it

    network
      23  $socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)     open a socket to configure the network
      24  ioctl($socket, SIOCSIFFLAGS, {ifr_name: "lo", ifr_flags: IFF_UP|IFF_RUNNING})
                                                                    bring the loopback interface up
      25  close($socket)                                            close the socket
      26  $socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)     open a socket to configure the card
      27  ioctl($socket, SIOCSIFADDR, {ifr_name: "eth0", 10.0.2.15})
                                                                    give eth0 the address 10.0.2.15
      28  ioctl($socket, SIOCSIFNETMASK, {ifr_name: "eth0", 255.255.255.0})
                                                                    set the network mask of eth0 to 255.255.255.0
      29  $socket = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0)     open a socket to configure the network
      30  ioctl($socket, SIOCSIFFLAGS, {ifr_name: "eth0", ifr_flags: IFF_UP|IFF_RUNNING})
                                                                    bring eth0 up
      31  close($socket)                                            close the socket
      32  ioctl($socket, SIOCADDRT, {rt_gateway: 10.0.2.2})         send what is not for the network to 10.0.2.2
      33  close($socket)                                            close the socket
      34  $file = openat(AT_FDCWD, "/resolv.conf", O_WRONLY|O_CREAT|O_CLOEXEC, 0644)
                                                                    make /resolv.conf
      35  write($file, "nameserver 10.0.2.3\\n", 20)                 have names resolved by 10.0.2.3
      36  close($file)                                              close /resolv.conf

    facts
      37  $found = openat(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", O_RDONLY|O_CLOEXEC, 0)  // or ENOENT, ENOTDIR: skip 2
                                                                    open /proc/sys/kernel/cap_last_cap
      38  $length = read($found, {16 bytes}, 16)                    read /proc/sys/kernel/cap_last_cap
      39  close($found)                                             close /proc/sys/kernel/cap_last_cap
    "
  `);
});

test('a guest that wakes up gets the time and randomness', () => {
  const program = wakeProgram({ time: 1_700_000_000_000_000_000n, entropy: new Uint8Array(32) });
  expect(text(program)).toMatchInlineSnapshot(`
    "
    clock
       0  clock_settime(CLOCK_REALTIME, {1700000000 s, 0 ns})       set the clock by the host's

    randomness
       1  $random = openat(AT_FDCWD, "/dev/urandom", O_WRONLY|O_CLOEXEC, 0)
                                                                    open the source of randomness
       2  ioctl($random, RNDADDENTROPY, {256 bits})                 add randomness that is ours alone
       3  ioctl($random, RNDRESEEDCRNG, 0)                          draw on it from now on
       4  close($random)                                            close the source of randomness
    "
  `);
});

test('what the console says of a boot that failed is named by its op', () => {
  const boot = bootProgram(['virtio_ring'], microvm);
  const reason = (console: string) => bootFailure(console, boot)?.message;
  expect([
    reason('[    0.5] something\r\ntare-guest: op 2: errno 8\r\n[    0.6] reboot'),
    reason('tare-guest: op 4: errno 2\n'),
    reason('tare-guest: no boot program\n'),
    reason('Kernel panic - not syncing'),
  ]).toMatchInlineSnapshot(`
    [
      "load virtio_ring: ENOEXEC (hint: it is a module of another kernel)",
      "wait for the channel to the host: ENOENT (hint: the machine has no such port, or no driver has found it)",
      "read the boot program of the guest: EBADMSG",
      undefined,
    ]
  `);
});

test('which of two disks was found first shows in what it holds', () => {
  const { program } = worldProgram({
    modules: [],
    disk: { node: '/dev/sda', format: 'erofs' },
    volumes: false,
    data: '/dev/sdb',
    network: 'none',
    time: 0n,
  });
  const stage = /^image\n(.*?)\n\n/ms.exec(text(program))?.[1];
  expect(`\n${stage}`).toMatchInlineSnapshot(`
    "
      10  faccessat2(AT_FDCWD, "/root/dev/sda", 0, 0)               wait for the disk with the image
      11  faccessat2(AT_FDCWD, "/root/dev/sdb", 0, 0)               wait for the disk to write to
      12  mount("/root/dev/sdb", "/root/data", "ext4", MS_NOSUID|MS_NODEV, 0)  // or EINVAL: skip 2
                                                                    mount the disk to write to
      13  mount("/root/dev/sda", "/root/image", "erofs", MS_RDONLY|MS_NODEV, 0)
                                                                    mount the image
      14  getpid()  // or none: skip 2                              look no further
      15  mount("/root/dev/sda", "/root/data", "ext4", MS_NOSUID|MS_NODEV, 0)
                                                                    mount the disk to write to, which was found first
      16  mount("/root/dev/sdb", "/root/image", "erofs", MS_RDONLY|MS_NODEV, 0)
                                                                    mount the image"
  `);
});
