/** A container's request as the program of a guest's payload. */
import { expect, test } from 'vitest';
import { explain } from '../../../src/launch/explain.ts';
import type { Program } from '../../../src/launch/program.ts';
import type { RunRequest } from '../../../src/spec/request.ts';
import { compilePayload, type PayloadFacts } from '../../../src/vm/guest-payload.ts';
import { volumeDirectory } from '../../../src/vm/guest-program.ts';
import { busybox } from '../spec/examples.ts';

const facts: PayloadFacts = {
  id: 'c0ffee',
  arch: 'x64',
  lastCapability: 40,
  user: { uid: 0, gid: 0, additionalGids: [] },
  volumes: new Map([['/home/me', { path: volumeDirectory(0), kind: 'directory' }]]),
  network: 'none',
};

const compiled = (request: Partial<RunRequest> = {}, more: Partial<PayloadFacts> = {}) =>
  compilePayload({ image: 'busybox', args: ['true'], ...request }, busybox, { ...facts, ...more });

const whys = ({ ops }: Program, stage: string) => ops.filter((op) => op.stage === stage).map(({ why }) => why);

test('the machine is the wall: of namespaces only what a guest has none of to give', () => {
  const { launch, spec } = compiled();
  expect(launch.cloneFlags.text).toBe('0');
  expect(whys(launch.program, 'namespaces')).toMatchInlineSnapshot(`
    [
      "make a mount table of its own",
      "make a host name of its own",
      "make System V IPC and message queues of its own",
      "set the host name",
    ]
  `);
  expect(spec.linux).not.toHaveProperty('resources');
});

test('the root is the image under a layer that takes the writes, as in a container', () => {
  const root = explain({ ops: compiled().launch.program.ops.filter(({ stage }) => stage === 'root') }, { column: 64 });
  expect(`\n${root}`).toMatchInlineSnapshot(`
    "
    root
       0  umask(0)                                                  give files exactly the modes we name
       1  mount(0, "/", 0, MS_REC|MS_SLAVE, 0)                      keep our mounts out of the host
       2  mount("tmpfs", "/scratch", "tmpfs", MS_NODEV, "mode=0700")
                                                                    make room for what the container writes
       3  mkdirat(AT_FDCWD, "/scratch/upper", 0755)                 make the layer that takes the writes
       4  mkdirat(AT_FDCWD, "/scratch/work", 0700)                  make the directory overlayfs works in
       5  mkdirat(AT_FDCWD, "/scratch/root", 0755)                  make the place where the layers come together
       6  mount("overlay", "/scratch/root", "overlay", 0, "lowerdir=/image,upperdir=/scratch/upper,workdir=/scratch/work")
                                                                    put the image under a writable layer
       7  $root = openat(AT_FDCWD, "/scratch/root", O_PATH|O_DIRECTORY|O_CLOEXEC, 0)
                                                                    open the root
    "
  `);
});

test('identity is the same as in a container', () => {
  const user = { uid: 1000, gid: 1000, additionalGids: [10] };
  const { program } = compiled({ noNewPrivileges: true, capDrop: ['ALL'] }, { user }).launch;
  const identity = whys(program, 'identity').filter((why) => !why.startsWith('give up'));
  expect(identity).toMatchInlineSnapshot(`
    [
      "start a session keyring of its own",
      "keep capabilities while the user changes",
      "set the supplementary groups",
      "become group 1000",
      "become user 1000",
      "capabilities follow the rules again",
      "set the umask to 022",
      "keep only the capabilities that were granted",
      "clear the ambient set",
      "let no execve grant more",
    ]
  `);
});

test('a bind mount comes from where the volume is in the guest', () => {
  const mounts = [{ type: 'bind' as const, source: '/home/me', target: '/data', options: ['ro'] }];
  const { program } = compiled({ mounts }).launch;
  expect(whys(program, 'root').filter((why) => why.includes('volumes'))).toEqual([]);
  expect(program.ops.flatMap(({ args }) => args.filter((arg) => arg === '/volumes/0'))).not.toEqual([]);
  expect(program.ops.flatMap(({ args }) => args.filter((arg) => arg === '/home/me'))).toEqual([]);
});

test('names are resolved by the network of the machine, unless the request says otherwise', () => {
  const destinations = (more: Partial<PayloadFacts>, mounts: RunRequest['mounts'] = []) =>
    (compiled({ mounts }, more).spec.mounts ?? []).flatMap(({ destination, source }) =>
      destination.startsWith('/etc') ? [source] : [],
    );
  expect(destinations({})).toEqual([]);
  expect(destinations({ network: 'user' })).toEqual(['/resolv.conf']);
  const own = [{ type: 'bind' as const, source: '/home/me', target: '/etc/resolv.conf', options: [] }];
  expect(destinations({ network: 'user' }, own)).toEqual(['/volumes/0']);
});
