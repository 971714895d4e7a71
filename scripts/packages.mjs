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

/** @type {Record<string, string>} */
const test = {
  ...run,
  'golang-github-opencontainers-specs-dev': "the OCI's JSON schema, a cross-check of our validation",
  crun: 'a backend to weigh',
  runc: 'a backend to weigh',
  bubblewrap: 'a backend to weigh',
  iproute2: 'looks at namespaces from outside',
  mount: "the host's own mounts, as a contrast",
  ...(cross && {
    'gcc-aarch64-linux-gnu': 'compiles the interpreter for arm64',
    'libc6-dev-arm64-cross': 'headers for libtare.so on arm64',
    'qemu-user': 'runs the interpreter for arm64',
    'squashfs-tools': 'the second form of disks',
  }),
};

/** @type {Record<string, string>} */
const bench = { ...test };

export const packages = { run, test, bench };
