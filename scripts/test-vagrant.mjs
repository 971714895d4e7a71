/**
 * `npm run test:vagrant [-- COMMAND]`: packs the test machine as a box, brings it up with vagrant and libvirt, and runs a
 * command in it, `sudo npm test -- tests/machine` if none is given. Needs root, and no libvirt that is set up: it gets one
 * of its own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { stop } from './command.mjs';
import { packBox } from './machine/box.mjs';
import { chooseProcessor } from './machine/boot.mjs';
import { buildMachine } from './machine/image.mjs';
import { at } from './root.mjs';
import { setup } from './setup.mjs';

if (process.getuid?.() !== 0) stop('a libvirtd of its own needs root (hint: sudo npm run test:vagrant)');
await setup('vagrant');
const image = buildMachine();
const box = await packBox(image);
const { accelerator } = await chooseProcessor(image);

const place = mkdtempSync(join(tmpdir(), 'tare-vagrant-'));
process.once('exit', () => rmSync(place, { recursive: true, force: true }));
const [command = 'sudo npm test -- tests/machine'] = process.argv.slice(2);
const { status } = spawnSync(
  'unshare',
  [
    ...['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'],
    ...[at('scripts/vagrant/session.sh'), place, at('scripts/vagrant/journey.sh'), command],
  ],
  {
    cwd: at(),
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      VAGRANT_HOME: join(place, 'vagrant'),
      VAGRANT_DOTFILE_PATH: join(place, 'dotfile'),
      LIBVIRT_DEFAULT_URI: 'qemu:///system',
      TARE_BOX: box,
      TARE_DRIVER: accelerator === 'kvm' ? 'kvm' : 'qemu',
    },
  },
);
process.exitCode = status ?? 1;
