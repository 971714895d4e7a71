/** A command line that was run before is run again without Node, and nobody can tell. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { probeCgroups } from '../../src/cgroup/hierarchy.ts';
import { smallRoot, temporaryDirectory } from './container.ts';
import { needs } from './needs.ts';

const root = join(import.meta.dirname, '../..');
const records = '/run/tare/starts';

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const settings = { encoding: 'utf8', timeout: 60_000 } as const;

/** As a user has it. */
function tare(words: readonly string[], input?: string): Outcome {
  const { status, stdout, stderr } = spawnSync(join(root, 'bin/tare'), words, {
    ...settings,
    ...(input === undefined ? {} : { input }),
  });
  return { status, stdout, stderr };
}

/** Where there is no Node to be found: what needs it ends with 125. */
function replay(words: readonly string[], input?: string): Outcome {
  const { status, stdout, stderr } = spawnSync(join(root, 'dist/tare-replay'), [join(root, 'bin/tare.cjs'), ...words], {
    ...settings,
    env: { PATH: '/nowhere' },
    ...(input === undefined ? {} : { input }),
  });
  return { status, stdout, stderr };
}

const noNode = {
  status: 125,
  stdout: '',
  stderr: 'tare: run node: No such file or directory (hint: Node 20 or later must be in PATH)\n',
};

/** An image that no other test uses, and with it records of our own. */
function image(): string {
  const path = smallRoot(temporaryDirectory());
  writeFileSync(join(path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nana:x:7:8::/:/bin/sh\n');
  onTestFinished(() => recordsOf(path).forEach((file) => rmSync(file)));
  return `dir:${path}`;
}

function recordsOf(path: string): string[] {
  if (!existsSync(records)) return [];
  const files = readdirSync(records).map((name) => join(records, name));
  return files.filter((file) => readFileSync(file, 'latin1').includes(path));
}

const groups = () => {
  const { parent } = probeCgroups();
  return parent === undefined || !existsSync(parent)
    ? []
    : readdirSync(parent).filter((name) => /^[0-9a-f]{12}$/.test(name));
};

describe.runIf(needs('root', 'overlay'))('a command line that was run before', () => {
  test('needs no Node the second time, whatever command follows', () => {
    const box = image();
    expect(replay(['run', box, 'true'])).toEqual(noNode);
    expect(tare(['run', box, 'true'])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(replay(['run', box, 'true'])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(replay(['run', box, 'echo', 'a  b', '', '*', '--', '-c'])).toEqual({
      status: 0,
      stdout: 'a  b  * -- -c\n',
      stderr: '',
    });
    const many = Array.from({ length: 500 }, (_, index) => `word-${index}`);
    expect(replay(['run', box, 'echo', ...many]).stdout).toBe(`${many.join(' ')}\n`);
  });

  test('a path, and the command of the image, are on record apart', () => {
    const box = image();
    tare(['run', box, 'true']);
    expect(replay(['run', box, '/bin/echo', 'x'])).toEqual(noNode);
    tare(['run', box, '/bin/true']);
    expect(replay(['run', box, '/bin/echo', 'x']).stdout).toBe('x\n');
    expect(replay(['run', box])).toEqual(noNode);
    tare(['run', 'busybox'], '');
    expect(replay(['run', 'busybox'], '')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('gives the same container, under a new name', () => {
    const box = image();
    const look =
      'id; hostname; env | sort; cat /proc/self/status | grep -E "^(Cap|Sig|Seccomp|NoNew|Groups)"; wc -l < /proc/self/mountinfo; ls /proc/self/fd; umask; pwd';
    const words = [
      'run',
      '--user',
      'ana',
      '-w',
      '/tmp',
      '-e',
      'A=b',
      '--read-only',
      '--cap-drop',
      'ALL',
      box,
      'sh',
      '-c',
      look,
    ];
    const first = tare(words);
    const [second, third] = [replay(words), replay(words)];
    const anonymous = ({ stdout }: Outcome) => stdout.replaceAll(/\b[0-9a-f]{12}\b/g, 'ID');
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(anonymous(second)).toBe(anonymous(first));
    expect(second.stdout).toContain('uid=7(ana) gid=8');
    expect(new Set([first, second, third].map(({ stdout }) => /HOSTNAME=(\w+)/.exec(stdout)?.[1])).size).toBe(3);
  });

  test('reports how it ended', () => {
    const box = image();
    tare(['run', box, 'sh', '-c', 'true']);
    for (const code of [1, 42, 125, 126, 127, 255])
      expect(replay(['run', box, 'sh', '-c', `exit ${code}`]).status).toBe(code);
    // The first process is out of reach for signals of its own namespace: one that a child dies of is reported by the shell.
    expect(replay(['run', box, 'sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?']).status).toBe(137);
  });

  test('is told to read standard input, or not', () => {
    const box = image();
    for (const words of [
      ['run', box, 'cat'],
      ['run', '-i', box, 'cat'],
    ]) {
      const first = tare(words, 'said');
      expect(replay(words, 'said')).toEqual(first);
      expect(first.stdout).toBe(words.includes('-i') ? 'said' : '');
    }
  });

  test('passes signals on', async () => {
    const box = image();
    tare(['run', box, 'sh', '-c', 'true']);
    const script = 'trap "exit 9" TERM; trap "exit 10" INT; echo ready; while :; do sleep 0.05; done';
    for (const [signal, code] of [
      ['SIGTERM', 9],
      ['SIGINT', 10],
    ] as const) {
      const child = spawn(join(root, 'dist/tare-replay'), ['tare.cjs', 'run', box, 'sh', '-c', script], {
        env: { PATH: '/nowhere' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([code, null]);
    }
  });

  test('leaves nothing, even where it is killed', async () => {
    const box = image();
    tare(['run', box, 'sh', '-c', 'true']);
    const before = groups();
    const child = spawn(
      join(root, 'dist/tare-replay'),
      [join(root, 'bin/tare.cjs'), 'run', box, 'sh', '-c', 'echo ready; sleep 1000'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(child.stdout, 'data');
    const [made] = groups().filter((name) => !before.includes(name));
    await pause(200); // it has a watchdog by now
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (let tries = 0; tries < 100 && groups().includes(made ?? ''); tries += 1) await pause(100);
    expect(made).toBeDefined();
    expect(groups()).not.toContain(made);
  });

  test('where the payload cannot be run, Node finds the words', () => {
    const box = image();
    tare(['run', box, 'true']);
    const before = groups();
    expect(replay(['run', box, 'nothing'])).toEqual(noNode);
    expect(tare(['run', box, 'nothing'])).toEqual({
      status: 127,
      stdout: '',
      stderr: 'tare: execute nothing: ENOENT (hint: no nothing in any directory of PATH)\n',
    });
    expect(groups().filter((name) => !before.includes(name))).toEqual([]);
  });

  test('starts many at once', async () => {
    const box = image();
    tare(['run', box, 'true']);
    const ends = Array.from({ length: 40 }, async () => {
      const child = spawn(join(root, 'dist/tare-replay'), ['tare.cjs', 'run', box, 'sh', '-c', 'exit 3'], {
        env: {},
        stdio: 'inherit',
      });
      return once(child, 'exit');
    });
    expect(await Promise.all(ends)).toEqual(ends.map(() => [3, null]));
  });
});

describe.runIf(needs('root', 'overlay'))('what is on record is believed only', () => {
  test.for([
    ['the users of the image', (path: string) => writeFileSync(join(path, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n')],
    ['what lies in the image’s root', (path: string) => writeFileSync(join(path, 'new'), '')],
    ['whether there are groups', (path: string) => writeFileSync(join(path, 'etc/group'), 'root:x:0:\n')],
  ] as const)('until a change of %s', ([, change]) => {
    const box = image();
    tare(['run', box, 'true']);
    expect(replay(['run', box, 'true']).status).toBe(0);
    change(box.slice('dir:'.length));
    expect(replay(['run', box, 'true'])).toEqual(noNode);
    tare(['run', box, 'true']);
    expect(replay(['run', box, 'true']).status).toBe(0);
  });

  test.runIf(needs('tool:unshare', 'tool:setpriv'))(
    'in the namespaces and with the powers that it was made with',
    () => {
      const box = image();
      tare(['run', box, 'true']);
      const own = [join(root, 'dist/tare-replay'), 'tare.cjs', 'run', box, 'true'];
      const under = (command: readonly string[]) =>
        spawnSync('/usr/bin/env', [...command, '/usr/bin/env', '-i', 'PATH=/nowhere', ...own], settings).status;
      expect(under([])).toBe(0);
      expect(under(['unshare', '--uts'])).toBe(125);
      expect(under(['unshare', '--mount'])).toBe(125);
      expect(under(['setpriv', '--no-new-privs'])).toBe(125);
      expect(under(['setpriv', '--bounding-set', '-net_raw'])).toBe(125);
    },
  );

  test('from a file of our own that nobody else may write', () => {
    const box = image();
    tare(['run', box, 'true']);
    const [file = ''] = recordsOf(box.slice('dir:'.length));
    chmodSync(file, 0o620);
    expect(replay(['run', box, 'true'])).toEqual(noNode);
    chmodSync(file, 0o600);
    expect(replay(['run', box, 'true']).status).toBe(0);
    chownSync(file, 1, 1);
    expect(replay(['run', box, 'true'])).toEqual(noNode);
  });

  test('where it is whole', () => {
    const box = image();
    tare(['run', box, 'true']);
    const [file = ''] = recordsOf(box.slice('dir:'.length));
    const bytes = readFileSync(file);
    // Every offset and count of the header, pointing out of the file.
    for (let word = 0; word < 22; word += 1) {
      const broken = Buffer.from(bytes);
      broken.writeUInt32LE(0xfffffff0, word * 4);
      writeFileSync(file, broken);
      expect(replay(['run', box, 'true']), `word ${word}`).toEqual(noNode);
    }
    for (let size = 0; size < bytes.length; size += 997) {
      writeFileSync(file, bytes);
      truncateSync(file, size);
      expect(replay(['run', box, 'true']), `${size} bytes`).toEqual(noNode);
    }
  });

  test('for what it was made of: flags that depend on more are never on record', () => {
    const box = image();
    const path = box.slice('dir:'.length);
    const flags = [
      ['-e', 'HOME'],
      ['-v', '/etc:/mnt'],
      ['--init'],
      ['--name', 'replay-test'],
      ['--hostname', 'fixed'],
      ['--device', '/dev/full'],
      ['--log-level', 'error'],
      ['--entrypoint', '/bin/echo'],
    ];
    for (const some of flags) expect(tare(['run', ...some, box, 'true']), some.join(' ')).toMatchObject({ status: 0 });
    expect(recordsOf(path)).toEqual([]);
  });
});
