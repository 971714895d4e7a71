/** Starts the machine under QEMU and waits for its end. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { read, say } from '../command.mjs';

/** @typedef {import('./image.mjs').Image} Image */
/** @typedef {{ file: string, format: 'raw' | 'qcow2', kept: boolean }} Disk what is written to one that is not kept is forgotten */
/** @typedef {{ accelerator: 'kvm' | 'tcg', cpu: string }} Processor */

/**
 * @typedef {object} Job
 * @property {Disk} disk        the second one; one that is labelled `tare` is mounted at /tare
 * @property {string} host      a directory with a script `job`; mounted at /host, where the job leaves what is to last
 * @property {number} seconds   time limit
 * @property {{ folder: string }} [terminal]  the machine's serial port is this terminal, for the job to use; the folder is shared too,
 *                              as `labs`. Without it the port is a file, and the job's output is ours.
 */

/** The machine's memory in MiB. */
const memory = 3072;

/**
 * Of a virtual machine there is no use of the microcode's cures, and under TCG they are plain work. Its time stamp counters are
 * the host's: without a word on it Linux distrusts those of two processors, and every look at the clock is an exit to QEMU.
 */
const parameters = 'console=ttyS0 quiet panic=-1 mitigations=off no_timer_check tsc=reliable';

/** Nothing happens by the clock: its mounts and files would be taken for a container's leftovers. */
const quiet = 'systemd.mask=timers.target';

/** The job has the serial port for itself. */
const noLogin = 'systemd.mask=serial-getty@ttyS0.service';

/** QEMU, and nothing that was not asked for. @param {Image} image @param {Processor} processor @param {string} more */
const machine = ({ kernel, initrd }, { accelerator, cpu }, more) => [
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ...['-machine', 'q35,usb=off,vmport=off', '-accel', accelerator, '-cpu', cpu],
  ...['-kernel', kernel, '-initrd', initrd, '-append', `${parameters} ${more}`],
];

/** Runs a job; the status it ended with, undefined if the machine ended without one. @param {Image} image @param {Job} job */
export async function runJob(image, { disk, host, seconds, terminal }) {
  const processor = await chooseProcessor(image);
  const console = join(host, 'console');
  const processors = Math.min(availableParallelism(), 4);
  say(`boots the test machine: ${processors} processors under ${processor.accelerator}`);
  const { ended, stderr } = await qemu(
    [
      ...machine(image, processor, `systemd.wants=tare-job.service ${quiet}${terminal ? ` ${noLogin}` : ''}`),
      ...['-smp', String(processors), '-m', String(memory)],
      ...drive('root', { file: image.disk, format: 'raw', kept: false }),
      ...drive('job', disk),
      ...['-virtfs', `local,path=${host},mount_tag=host,security_model=none`],
      ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
      ...['-chardev', terminal ? `file,id=log,path=${join(host, 'log')}` : `stdio,id=log,logfile=${join(host, 'log')}`],
      ...['-device', 'virtserialport,chardev=log,name=tare.log'],
      ...(terminal
        ? ['-serial', 'mon:stdio', '-virtfs', `local,path=${terminal.folder},mount_tag=labs,security_model=none`]
        : ['-serial', `file:${console}`]),
    ],
    seconds,
    'inherit',
    terminal ? 'inherit' : 'pipe',
  );
  const status = existsSync(join(host, 'status')) ? Number(readFileSync(join(host, 'status'), 'utf8')) : undefined;
  if (status === undefined) {
    const tail = existsSync(console) ? readFileSync(console, 'utf8').trimEnd().split('\n').slice(-20).join('\n') : '';
    say(`${ended}; the last lines of its console:\n${tail}\n${stderr}`);
  }
  return status;
}

/** @param {string} id @param {Disk} disk */
const drive = (id, { file, format, kept }) => [
  ...['-drive', `if=none,id=${id},file=${file},format=${format},snapshot=${kept ? 'off' : 'on'},cache=unsafe`],
  ...['-device', `virtio-blk-pci,drive=${id}`],
];

/**
 * KVM if Linux runs under it here, which only a try can tell: on some hosts /dev/kvm opens, and a guest's kernel hangs.
 * The verdict is kept until the host boots again. TCG emulates AMD's SVM, so that the machine has a KVM of its own.
 * @param {Image} image
 * @returns {Promise<Processor>}
 */
export async function chooseProcessor(image) {
  const kvm = /** @type {Processor} */ ({ accelerator: 'kvm', cpu: 'host' });
  const tcg = /** @type {Processor} */ ({
    accelerator: 'tcg',
    cpu: 'qemu64,+svm,+npt,+ssse3,+sse4.1,+sse4.2,+popcnt',
  });
  if (!existsSync('/dev/kvm')) return tcg;
  const version = read('qemu-system-x86_64', ['--version']) ?? '';
  const asked = [readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), version.split('\n')[0]].join(' ');
  const verdict = join(image.kernel, '../kvm');
  const kept = existsSync(verdict) ? readFileSync(verdict, 'utf8').split('\n') : [];
  if (kept[0] === asked) return kept[1] === 'works' ? kvm : tcg;
  say('tries whether Linux runs under /dev/kvm here');
  const { stdout } = await qemu([...machine(image, kvm, 'tare.try'), '-m', '256', '-serial', 'stdio'], 20);
  const works = stdout.includes('tare: linux runs here');
  if (!works) say('/dev/kvm opens, but Linux does not run under it');
  if (process.getuid?.() === 0) writeFileSync(verdict, `${asked}\n${works ? 'works' : 'fails'}\n`);
  return works ? kvm : tcg;
}

/**
 * @param {string[]} args
 * @param {number} seconds
 * @param {'pipe' | 'inherit'} output
 * @param {'pipe' | 'inherit'} input
 */
async function qemu(args, seconds, output = 'pipe', input = 'pipe') {
  // At the end of its input QEMU takes the port for closed, and the guest would wait for somebody who reads.
  // It ends with us, however we end, and gives the terminal back.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'qemu-system-x86_64', ...args], {
    stdio: [input, output, 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text));
  let ended = 'the machine ended without a status';
  const timer = setTimeout(() => {
    ended = `the machine did not end within ${seconds} s`;
    child.kill('SIGKILL');
  }, seconds * 1000);
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  await new Promise((resolve) => child.once('error', resolve).once('close', resolve));
  clearTimeout(timer);
  process.off('exit', stop);
  return { stdout, stderr, ended };
}
