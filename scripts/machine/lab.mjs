/** A lab in the test machine, at this terminal: for what this host's kernel cannot do, or should not be asked to. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run, say } from '../command.mjs';
import { runJob } from './boot.mjs';
import { makeCheckoutDisk } from './disk.mjs';
import { buildMachine } from './image.mjs';
import { checkout } from './tests.mjs';

/** Nobody learns so long. */
const seconds = 12 * 60 * 60;

/** Where the machine's root keeps progress; it is the host's folder. */
const progress = '/root/.local/state/tare/labs';

/** Not tmux's own, for whoever sits in a tmux of this host already. */
const tmux = `
set -g prefix C-t
unbind C-b
bind C-t send-prefix
set -g default-command bash
set -g default-terminal screen
set -g status-left ''
set -g status-right 'Ctrl-T c: another terminal, Ctrl-T n: the next '
set -g status-right-length 60
`;

/** The port is a terminal of unknown size, and the only one: tmux makes more of it, and writes to what it reads from. @param {string} lab */
const job = (lab) => `
export TARE_MACHINE=here HOME=/root PATH=${checkout}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8 TERM=${process.env.TERM ?? 'vt100'}
infocmp >/dev/null 2>&1 || TERM=vt100
mkdir -p ${progress}
mount -t 9p -o trans=virtio,version=9p2000.L labs ${progress}
cd /root
cat >.tmux.conf <<'END'${tmux}END
setsid --ctty --wait sh -c '
  stty sane rows ${process.stdout.rows ?? 24} cols ${process.stdout.columns ?? 80}
  tmux -u new-session -n "lab ${lab}" "tare lab run ${lab}; echo \\$? >status; tmux kill-server"
  ' <>/dev/ttyS0 >&0 2>&1
exit "$(cat status)"
`;

/**
 * @param {string} lab its number
 * @param {string} folder of this host, where progress is kept
 * @param {string} host an empty directory, whose owner takes it away
 * @returns {Promise<number>} the exit code of `tare lab run`
 */
export async function runLab(lab, folder, host) {
  const image = buildMachine();
  try {
    say('packs this checkout for it; Ctrl-A x ends the machine at any time');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(host, 'job'), job(lab));
    const disk = { file: makeCheckoutDisk(host), format: /** @type {const} */ ('raw'), kept: false };
    return (await runJob(image, { disk, host, seconds, terminal: { folder } })) ?? 1;
  } finally {
    // QEMU has it back as it was, unless it was killed.
    if (process.stdin.isTTY) run('stty', ['-F', '/dev/tty', 'sane']);
  }
}
