import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { helpPage } from '../../../src/cli/help.ts';
import { vmPage } from '../../../src/cli/pages-vm.ts';
import { verbs } from '../../../src/cli/verbs.ts';

const actions = Object.keys(vmPage.actions ?? {}).map((action) => `vm ${action}`);

test('no page is wider than 80 columns or ends a line in a space', () => {
  for (const page of [undefined, ...verbs.keys(), ...actions]) {
    const lines = helpPage(page, false).split('\n');
    expect(lines.filter((line) => line.length > 80 || line.endsWith(' '))).toEqual([]);
  }
});

test('colours change nothing but the colours', () => {
  expect(stripVTControlCharacters(helpPage('run', true))).toBe(helpPage('run', false));
});

test('tare --help', () => {
  expect(helpPage(undefined, false)).toMatchInlineSnapshot(`
    "Usage: tare VERB [FLAGS] [ARGUMENTS]

    Containers as lists of system calls: run them, read them, time them, step
    through them.

    Containers:
      run      Run a command in a new container.

    How a container is made:
      explain  Print every system call that would make it, and why.
      trace    Make it, and show how long each call took.
      step     Make it one call at a time, with a look around between.

    What isolation costs:
      weigh    Measure what isolation costs, side by side.

    Virtual machines:
      vm       Keep booted machines, and look at one from inside.

    Under container engines:
      oci      Tell podman, docker, containerd and others of tare-oci.

    Labs:
      lab      Learn by doing; the kernel says whether it is done.

    This machine:
      sweep    Remove what killed processes of tare have left.
      doctor   Say what of tare works here, and the cure for what does not.
      help     Print the help of a verb.
      version  Print the version.

    Examples:
      tare run --rm -it busybox sh
          a shell in a container of its own
      tare explain busybox true
          the system calls that would make it, with reasons

    Every verb has a page of its own: tare help run
    "
  `);
});

test('tare run --help', () => {
  expect(helpPage('run', false)).toMatchInlineSnapshot(`
    "Usage: tare run [FLAGS] IMAGE [COMMAND [ARG...]]

    Run a command in a new container and exit with its status.

    IMAGE is one of
      busybox   built in: a small Linux userland
      host      this machine's own root, as a read-only layer
      dir:PATH  a directory that holds a root filesystem
      oci:PATH  an OCI bundle: a directory with config.json and its root

    Process:
      -i, --interactive                Keep standard input open.
      -t, --tty                        Give the command a terminal of its own.
      -e, --env NAME[=VALUE]           Set a variable, or hand on our own.
          --env-file FILE              Read variables from a file, one a line.
      -w, --workdir DIR                Start in this directory.
      -u, --user USER[:GROUP]          A user of the image's own passwd, or an id.
          --group-add GROUP            Join one more group.
          --umask MODE                 Set the file mode creation mask.
          --entrypoint PROGRAM         Replace the image's entry point; empty: none.
          --init                       A pid 1 that reaps and passes on signals.

    Filesystem:
      -v, --volume SRC:DST[:OPTS]      Show SRC at DST; with ro, read-only.
          --mount KEY=VALUE,...        The same by keys: type=bind or tmpfs, source,
                                       target, readonly.
          --tmpfs DST[:OPTS]           Put a filesystem in memory at DST.
          --upper DIR                  Keep here what the container writes.
          --read-only                  Make the root read-only.
          --device SRC[:DST][:rwm]     Show and allow a device of this machine.

    Resources:
      -m, --memory SIZE                Kill what uses more memory than this.
          --memory-swap SIZE           Memory and swap together; -1: no limit.
          --memory-reservation SIZE    Memory that is reclaimed last.
          --cpus NUMBER                So many CPUs' worth of time, such as 1.5.
          --cpu-weight 1..10000        Share of busy CPUs; 100 is the usual one.
          --cpuset-cpus LIST           Run on these CPUs only, such as 0-2,7.
          --cpuset-mems LIST           Use these memory nodes only.
          --pids-limit NUMBER          So many processes and threads; -1: no limit.
          --io-weight 1..10000         Share of busy disks; 100 is the usual one.
          --cgroup-conf FILE=VALUE     Any file of the cgroup: memory.high=32M.
          --ulimit NAME=SOFT[:HARD]    A limit of getrlimit(2): nofile=1024:4096.
          --oom-score-adj NUMBER       From -1000 to 1000: higher is killed sooner.

    Security:
          --cap-add CAPABILITY         Add a capability: NET_ADMIN, or ALL.
          --cap-drop CAPABILITY        Take one away, or ALL.
          --privileged                 All capabilities and devices, no seccomp.
          --security-opt OPTION        no-new-privileges, seccomp=FILE|unconfined,
                                       apparmor=PROFILE, label=LABEL,
                                       systempaths=unconfined.

    Namespaces:
          --network NET                none (the default), host, ns:PATH, or user
                                       with a VM.
          --pid NS                     NS is private, host or ns:PATH.
          --ipc NS                     System V IPC and POSIX message queues.
          --uts NS                     Host and domain name.
          --cgroupns NS                What /proc/self/cgroup shows.
          --userns NS                  User and group ids.
          --uidmap ID:HOST:SIZE        Map SIZE user ids, ID on, to HOST and on.
          --gidmap ID:HOST:SIZE        The same for group ids.
          --time-offset CLOCK=SECONDS  Move the clock monotonic or boottime.
      -h, --hostname NAME              The host name inside.
          --domainname NAME            The NIS domain name inside.
          --sysctl NAME=VALUE          A kernel parameter of a new namespace.

    Isolation:
          --isolation KIND             process, container (the default) or vm.
          --accel ACCEL                kvm, tcg or auto (the default): KVM where it
                                       works.
          --machine TYPE               microvm (the default), q35 or pc.
          --devices MODEL              virtio (the default) or emulated.
          --kernel FILE                A bzImage or ELF file in place of Debian's.
          --from-snapshot NAME         Resume what tare vm snapshot has kept.
          --boot-timeout SECONDS       How long a boot may take; 60 otherwise.

    Other:
          --name NAME                  Name the container; made up otherwise.
          --rm                         Leave nothing behind at the end.
          --annotation KEY=VALUE       Add to the spec's annotations.
          --log-level LEVEL            Log to standard error: trace, debug, info,
                                       warn, error or silent (the default).
          --help                       Print this page.

    Examples:
      tare run --rm -it busybox sh
          a shell in a container of its own
      tare run --isolation vm busybox uname -r
          the same image in a virtual machine, with a kernel of its own
      tare run -m 64m --cpus 0.5 -v .:/src:ro -w /src host ls
          a program of this machine's own, contained
    "
  `);
});

test('tare trace --help', () => {
  expect(helpPage('trace', false).split('\nProcess:')[0]).toMatchInlineSnapshot(`
    "Usage: tare trace [FLAGS] IMAGE [COMMAND [ARG...]]

    Run the container and draw how long each of its system calls took. It takes the
    flags of tare run.

    Output:
          --json                       Print the times as JSON.
          --svg FILE                   Draw the waterfall into a file.
    "
  `);
});

test('tare vm --help, and the page of an action', () => {
  expect(helpPage('vm', false)).toMatchInlineSnapshot(`
    "Usage: tare vm ACTION [FLAGS] [ARGUMENTS]

    What there is to do with virtual machines besides running a command in one,
    which tare run --isolation vm does.

    Actions:
      snapshot  Boot a guest once, to be resumed from then on.
      list      Show what is kept.
      rm        Remove snapshots.
      prune     Remove kernels, disks and first files that nothing wants.
      inspect   Show what a guest sees of its machine.

    Examples:
      tare vm inspect --devices emulated
          full emulation, seen from inside
      tare vm snapshot --name warm busybox
          boot once, and resume from then on

    Every action has a page of its own: tare help vm snapshot
    "
  `);
  expect(helpPage('vm rm', false)).toMatchInlineSnapshot(`
    "Usage: tare vm rm NAME...

    Remove snapshots of this user. Guests that were resumed from them go on.

    Output:
          --help  Print this page.

    Examples:
      tare vm rm warm
    "
  `);
  expect(() => helpPage('vn rm', false)).toThrow('did you mean vm?');
});
