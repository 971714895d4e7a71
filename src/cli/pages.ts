/** The help of each verb, but for its flags, which are in `flags/`. */
import { doctorFlags, explainFlags, runFlags, stepFlags, sweepFlags, traceFlags, versionFlags } from './flags.ts';
import { ociFlags } from './flags/oci.ts';
import { weighFlags } from './flags/weigh.ts';
import type { Page } from './page.ts';
import { labPage } from './pages-lab.ts';
import { vmPage } from './pages-vm.ts';

const weighAbout = [
  'Put the same payload into a bare process, into containers of tare and into everything else that this machine has, and measure',
  'side by side what isolation costs: all in one run, round by round, in random order. What is missing is said, with its cure.',
].join(' ');

const questions = [
  'QUESTION is one of',
  '  start     how long is it from the request to the first byte, the exit, nothing left',
  '  rate      how many start per second, when up to 100 are asked for at once',
  '  memory    what an idle one takes from the host, and who holds it',
  '  density   how many fit, and whether the last starts as fast as the first',
  '  cpu       whether computing costs more inside',
  '  syscalls  what a system call costs inside',
].join('\n');

const container = '[FLAGS] IMAGE [COMMAND [ARG...]]';

const images = [
  'IMAGE is one of',
  '  busybox   built in: a small Linux userland',
  "  host      this machine's own root, as a read-only layer",
  '  dir:PATH  a directory that holds a root filesystem',
  '  oci:PATH  an OCI bundle: a directory with config.json and its root',
].join('\n');

const sameFlags = 'It takes the flags of tare run.';

const diffAbout =
  'With --diff, A and B are two starts, each in one word: an image, or flags, image and command in quotes. A unified diff with a line for each call is printed; 1 is returned if they differ, 0 if not. Flags before --diff are for both.';

export const overview: Omit<Page, 'group' | 'summary'> = {
  usage: 'tare VERB [FLAGS] [ARGUMENTS]',
  about: 'Containers as lists of system calls: run them, read them, time them, step through them.',
  groups: [],
  examples: [
    ['tare run --rm -it busybox sh', 'a shell in a container of its own'],
    ['tare explain busybox true', 'the system calls that would make it, with reasons'],
  ],
};

/** In the order in which `tare --help` lists them. */
export const pages: Readonly<Record<string, Page>> = {
  run: {
    group: 'Containers',
    summary: 'Run a command in a new container.',
    usage: `tare run ${container}`,
    about: `Run a command in a new container and exit with its status.\n\n${images}`,
    groups: runFlags,
    examples: [
      ['tare run --rm -it busybox sh', 'a shell in a container of its own'],
      ['tare run --isolation vm busybox uname -r', 'the same image in a virtual machine, with a kernel of its own'],
      ['tare run -m 64m --cpus 0.5 -v .:/src:ro -w /src host ls', "a program of this machine's own, contained"],
    ],
  },
  explain: {
    group: 'How a container is made',
    summary: 'Print every system call that would make it, and why.',
    usage: `tare explain ${container}\n       tare explain [FLAGS] --diff A B`,
    about: `Print the system calls that would make the container, in order, each with its reason. Nothing is run. ${sameFlags}\n\n${diffAbout}`,
    groups: [...explainFlags, ...runFlags],
    examples: [
      ['tare explain busybox true', 'the default container'],
      ['tare explain --json --network host busybox true', 'with one namespace less, for a program to read'],
      ["tare explain --diff 'busybox true' '--privileged busybox true'", 'what --privileged leaves out'],
      ['tare explain --diff busybox oci:./bundle', "a bundle of another engine, beside tare's own"],
    ],
  },
  trace: {
    group: 'How a container is made',
    summary: 'Make it, and show how long each call took.',
    usage: `tare trace ${container}`,
    about: `Run the container and draw how long each of its system calls took. ${sameFlags}`,
    groups: [...traceFlags, ...runFlags],
    examples: [
      ['tare trace busybox true', 'a waterfall in the terminal'],
      ['tare trace --svg start.svg host true', 'and as a picture'],
    ],
  },
  step: {
    group: 'How a container is made',
    summary: 'Make it one call at a time, with a look around between.',
    usage: `tare step ${container}`,
    about: `Stop before each system call that makes the container: next, continue or abort, and see what it changed. ${sameFlags}`,
    groups: [...stepFlags, ...runFlags],
    examples: [
      ['tare step busybox sh', 'make a container call by call, and end in its shell'],
      ['tare step --plain busybox true | tee steps.txt', 'keep what was seen'],
    ],
  },
  weigh: {
    group: 'What isolation costs',
    summary: 'Measure what isolation costs, side by side.',
    usage: 'tare weigh [FLAGS] [QUESTION...]',
    about: `${weighAbout}\n\n${questions}`,
    groups: weighFlags,
    examples: [
      ['tare weigh --quick', 'a table, in some three minutes'],
      ['tare weigh --suite felter2015', "that paper's workloads, and its table beside ours"],
      ['tare weigh start --backends tare,crun --json today.json', 'two of them, to be kept'],
      ['tare weigh --compare yesterday.json today.json', 'faster, slower or unchanged; 1 if slower'],
    ],
  },
  vm: vmPage,
  oci: {
    group: 'Under container engines',
    summary: 'Tell podman, docker, containerd and others of tare-oci.',
    usage: 'tare oci install | uninstall --for ENGINE [FLAGS]',
    about:
      'install writes into the configuration of ENGINE that there is a runtime called tare, which is bin/tare-oci; uninstall takes it out again. Whatever else stands there stays. For kubernetes a RuntimeClass is printed, for kubectl.',
    groups: ociFlags,
    examples: [
      ['tare oci install --for docker --dry-run', 'what would be changed in /etc/docker/daemon.json'],
      ['tare oci install --for podman --default', 'from now on podman uses it'],
      ['tare oci install --for kubernetes | kubectl apply -f -', 'a RuntimeClass'],
    ],
  },
  lab: labPage,
  sweep: {
    group: 'This machine',
    summary: 'Remove what killed processes of tare have left.',
    usage: 'tare sweep',
    about:
      'End the containers of processes that were killed, and remove their cgroups. The next tare run does the same, and mostly it has been done already: by a process that watches the one which starts containers.',
    groups: sweepFlags,
    examples: [['tare sweep', 'after a machine ran out of memory, say']],
  },
  doctor: {
    group: 'This machine',
    summary: 'Say what of tare works here, and the cure for what does not.',
    usage: 'tare doctor [FLAGS]',
    about:
      'Look at every feature of the kernel and this machine that tare uses, and say for each that is missing what is lost and what would bring it back.',
    groups: doctorFlags,
    examples: [
      ['tare doctor', 'a list to read'],
      ['tare doctor --json > machine.json', 'and to compare with another machine'],
    ],
  },
  help: {
    group: 'This machine',
    summary: 'Print the help of a verb.',
    usage: 'tare help [VERB]',
    about: 'Print the help of tare, or of one of its verbs.',
    groups: [],
    examples: [
      ['tare help', 'all verbs'],
      ['tare help run', 'the same as tare run --help'],
    ],
  },
  version: {
    group: 'This machine',
    summary: 'Print the version.',
    usage: 'tare version',
    about: 'Print the version.',
    groups: versionFlags,
    examples: [
      ['tare version', ''],
      ['tare --version', 'the same'],
    ],
  },
};
