/** Debian packages, and what each is for. The later sets include the earlier ones. */

const cross = process.arch === 'x64';

/** @type {Record<string, string>} */
const run = {
  gcc: 'compiles the interpreter',
  'libc6-dev': 'headers for libtare.so',
  'busybox-static': 'the built-in image',
  libseccomp2: 'seccomp filters from profiles',
  uidmap: 'newuidmap and newgidmap, for rootless containers',
  ...(cross && {
    'qemu-system-x86': 'virtual machines',
    'erofs-utils': 'images as disks of virtual machines',
    lz4: "decompresses Debian's kernel for clouds",
    'xz-utils': "decompresses Debian's full kernel",
  }),
};

/** Engines that tests start by hand, to call tare-oci. @type {Record<string, string>} */
const engines = {
  'docker.io': 'dockerd',
  containerd: 'beneath docker, and by its own client',
  'dbus-daemon': 'a message bus, as systemd has one',
};

/** What others have in a package's place, and Debian's would remove. @type {Record<string, readonly string[]>} */
export const replacements = {
  'docker.io': ['docker-ce', 'moby-engine'],
  containerd: ['containerd.io', 'moby-containerd'],
};

/** For the tests that ask the kernel. @type {Record<string, string>} */
const kernel = {
  ...run,
  'golang-github-opencontainers-specs-dev': "the OCI's JSON schema, a cross-check of our validation",
  crun: 'a backend to weigh',
  runc: 'a backend to weigh',
  bubblewrap: 'a backend to weigh',
  podman: 'an engine to call tare-oci',
  sysbench: 'in the image that is weighed: computes',
  fio: 'in the image that is weighed: reads and writes',
  iperf3: 'in the image that is weighed: fills a network',
  'redis-tools': 'in the image that is weighed: redis, which is one program for all its tools, and its benchmark',
  e2fsprogs: 'disks that virtual machines write to',
  iproute2: 'looks at namespaces from outside',
  nftables: 'the lab on networks',
  strace: 'the lab on what others do',
  mount: "the host's own mounts, as a contrast",
  ...(cross && {
    'gcc-aarch64-linux-gnu': 'compiles the interpreter for arm64',
    'libc6-dev-arm64-cross': 'headers for libtare.so on arm64',
    'qemu-user': 'runs the interpreter for arm64',
    'squashfs-tools': 'the second form of disks',
  }),
};

/** @type {Record<string, string>} */
const test = {
  ...kernel,
  ...engines,
  chromium: 'looks at the page of a weighing as a reader does',
  lxc: 'the lab on what others do',
};

/** @type {Record<string, string>} */
const bench = { ...kernel, ...engines };

/** @type {Record<string, string>} */
const machine = {
  ...test,
  mmdebstrap: 'builds the test machine',
};

/** All that `tare weigh` knows to weigh. @type {Record<string, string>} */
const peers = {
  ...bench,
  lxc: 'a peer',
  'systemd-container': 'a peer: systemd-nspawn',
};

/** @type {Record<string, string>} */
const box = {
  ...machine,
  'qemu-utils': "the box's disk",
  vagrant: 'has the key of new boxes, and reads the Vagrantfile',
  'vagrant-libvirt': 'brings up boxes',
};

/** @type {Record<string, string>} */
const vagrant = {
  ...box,
  'libvirt-daemon': 'keeps machines',
  'libvirt-daemon-driver-qemu': 'keeps machines under QEMU',
  'libvirt-clients': 'defines the place of disks',
  'dnsmasq-base': 'gives machines addresses',
  iptables: "libvirt's networks",
  'openssh-client': 'vagrant ssh',
  rsync: 'the synced folder',
};

export const packages = { run, kernel, test, bench, peers, machine, box, vagrant };

/** What the test machine has inside, beside Debian's essential packages. @type {Record<string, string>} */
export const insideMachine = {
  ...kernel,
  'linux-image-amd64': 'a kernel with everything',
  'systemd-sysv': 'pid 1',
  'libpam-systemd': 'sessions of users, and what systemd delegates to them',
  dbus: 'asks systemd',
  apparmor: 'loads profiles',
  kmod: 'loads modules',
  udev: 'names devices',
  procps: 'looks at processes',
  cpio: 'packs the initramfs',
  'ca-certificates': 'npm',
  git: 'the checks ask it for files',
  'openssh-server': 'vagrant ssh',
  sudo: 'vagrant provision',
  tmux: 'a second terminal for a lab',
  rsync: 'folders of vagrant, and the copy that becomes a box',
  'grub-pc-bin': 'a box boots by itself',
  'grub2-common': 'a box boots by itself',
  fdisk: "a box's partition",
};
