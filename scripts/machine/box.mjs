/**
 * The test machine as a box of vagrant-libvirt. No loop device is needed: the machine itself partitions an empty second
 * disk, copies its own root to it and installs GRUB.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { read, run, stop } from '../command.mjs';
import { at } from '../root.mjs';
import { runJob } from './boot.mjs';

/** GiB that the box's disk pretends to have. */
const size = 16;

/** As vagrant-libvirt reads it: https://vagrant-libvirt.github.io/vagrant-libvirt/boxes.html */
const metadata = { provider: 'libvirt', format: 'qcow2', virtual_size: size };

const defaults = `Vagrant.configure('2') do |config|
  config.vm.provider :libvirt do |libvirt|
    libvirt.disk_bus = 'virtio'
  end
end
`;

/** @param {import('./image.mjs').Image} image @returns {Promise<string>} the box's path */
export async function packBox(image) {
  const folder = mkdtempSync(join(tmpdir(), 'tare-box-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const disk = join(folder, 'box.img');
  run('qemu-img', ['create', '-q', '-f', 'qcow2', disk, `${size}G`]);
  run('cp', [at('scripts/machine/box-job'), join(folder, 'job')]);
  run('cp', [insecureKey(), join(folder, 'key')]);
  const status = await runJob(image, {
    disk: { file: disk, format: 'qcow2', kept: true },
    host: folder,
    seconds: 1800,
  });
  if (status !== 0) stop(`the machine has not packed itself: it ended with ${status ?? 'no status'}`);
  writeFileSync(join(folder, 'metadata.json'), `${JSON.stringify(metadata)}\n`);
  writeFileSync(join(folder, 'Vagrantfile'), defaults);
  const box = at('dist/tare.box');
  run('tar', ['--create', '--gzip', '--file', box, '--directory', folder, 'metadata.json', 'Vagrantfile', 'box.img']);
  return box;
}

/** Vagrant brings the key with which it enters a new box. */
function insecureKey() {
  const file = read('dpkg-query', ['--listfiles', 'vagrant'])
    ?.split('\n')
    .find((path) => path.endsWith('/keys/vagrant.pub'));
  return file ?? stop("vagrant's public key is not found (hint: apt-get install vagrant)");
}
