/** `create` without Node: a bundle like one that was created before. What comes of it is what Node makes of the same bundle. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';
import type { Spec } from '../../../src/spec/spec.ts';
import { needs } from '../../kernel/needs.ts';
import { Bundle, eventually, plainSpec } from './bundle.ts';
import { tareOci } from './runtimes.ts';

const able = needs('root', 'busybox', 'cgroup2');

const look =
  'hostname; env | sort; cat /bound; cat /proc/self/mountinfo | cut -d" " -f5,6 | sort; grep -E "^(Cap|Sig[^Q]|NoNew|Seccomp)" /proc/self/status; ls -l /proc/self/fd | grep -c /; echo "$0 $1"';

/** As an engine writes it: everything of a container's own stands in a directory with its id. */
function engineSpec(box: Bundle, id: string): Spec {
  const plain = plainSpec(['sh', '-c', `{ ${look}; } >/seen 2>&1; echo done >>/seen`, `word of ${id}`, id]);
  return {
    ...plain,
    hostname: id.slice(0, 12),
    process: {
      ...plain.process,
      env: [...(plain.process.env ?? []), `HOSTNAME=${id}`, `LONG=${'y'.repeat(id.length)}`],
    },
    root: { path: box.at('rootfs') },
    mounts: [
      ...(plain.mounts ?? []),
      { destination: '/bound', type: 'bind', source: box.at('bound', id), options: ['rbind', 'ro'] },
    ],
    annotations: { 'engine.id': id, 'engine.quoted': 'a "word"' },
    linux: { ...plain.linux, cgroupsPath: `/tare-oci/${id}` },
  };
}

/** Whether it was done without Node, which saves a spec. */
const withoutNode = (box: Bundle): boolean =>
  readFileSync(box.at('state', box.id, 'container.json'), 'utf8').includes('"config":');

function engineBundle(id: string, change: (spec: Spec) => Spec = (spec) => spec): Bundle {
  const box = new Bundle(tareOci, plainSpec(['true']));
  mkdirSync(box.at('bound'));
  writeFileSync(box.at('bound', id), `bound in ${id}\n`);
  box.write(change(engineSpec(box, id)));
  return box;
}

/** What the container has seen, with its own names made alike. */
async function seen(box: Bundle, id: string): Promise<string> {
  expect(box.start()).toMatchObject({ status: 0, stderr: '' });
  await eventually('it has looked', () => box.read('seen')?.endsWith('done\n') === true);
  await box.until('stopped');
  return (box.read('seen') ?? '').replaceAll(id, 'ID').replaceAll(id.slice(0, 12), 'ID').replaceAll(/y+/g, 'y');
}

function groupsNamed(id: string): string[] {
  const { mount = '', v1 } = probeCgroups();
  return [mount, ...Object.values(v1)].map((top) => join(top, 'tare-oci', id)).filter((group) => existsSync(group));
}

describe.runIf(able)('create again', () => {
  const records = '/run/tare/creations';
  const aside = '/run/tare/creations.aside';
  beforeAll(() => {
    // Records of earlier runs would tell nothing of this one.
    rmSync(aside, { recursive: true, force: true });
    try {
      renameSync(records, aside);
    } catch {
      // There are none.
    }
    return () => {
      rmSync(records, { recursive: true, force: true });
      try {
        renameSync(aside, records);
      } catch {
        // There were none.
      }
    };
  });

  test('the second container of an engine takes no Node, and is what Node would make of it', async () => {
    const ids = ['a-name', 'the-second-which-has-a-longer-name', 'third'];
    const views: string[] = [];
    const states: object[] = [];
    for (const [index, id] of ids.entries()) {
      using box = engineBundle(id);
      const env = { ...process.env, ...(index === 2 ? { TARE_NO_REPLAY: '1' } : {}) };
      expect(box.create(['--pid-file', box.at('pid')], { env })).toMatchObject({ status: 0, stderr: '' });
      expect([index, withoutNode(box)]).toEqual([index, index === 1]);
      const { pid, ...state } = box.state();
      expect(readFileSync(box.at('pid'), 'utf8')).toBe(String(pid));
      expect(state).toMatchObject({ id: box.id, bundle: box.path, annotations: { 'engine.id': id } });
      states.push(Object.keys(state));
      views.push(await seen(box, id));
      expect(box.call('delete', [box.id])).toMatchObject({ status: 0, stderr: '' });
    }
    expect(views[1]).toBe(views[0]);
    expect(views[2]).toBe(views[0]);
    expect(views[1]).toContain('bound in ID');
    expect(states[1]).toEqual(states[0]);
  });

  test('exec and ps find what they need of a container that was created without Node', () => {
    for (const id of ['first', 'second']) {
      using box = engineBundle(id, (spec) => ({ ...spec, process: { ...spec.process, args: ['sleep', '1000'] } }));
      box.create();
      box.start();
      expect(withoutNode(box)).toBe(id === 'second');
      expect(box.call('exec', [box.id, 'cat', '/bound'])).toMatchObject({ status: 0, stdout: `bound in ${id}\n` });
      expect(JSON.parse(box.call('ps', ['--format', 'json', box.id]).stdout)).toEqual([box.state().pid]);
      expect(box.call('pause', [box.id]).status).toBe(0);
      expect(box.state().status).toBe('paused');
      expect(box.call('resume', [box.id]).status).toBe(0);
    }
  });

  const limits = { memory: { limit: 64 * 2 ** 20 }, pids: { limit: 50 }, cpu: { shares: 512, cpus: '0' } };
  const ofLimits = able && needs('limit:memory', 'limit:pids', 'limit:cpu', 'limit:cpuset');

  test.runIf(ofLimits)('limits take no Node either: groups in every hierarchy, and none of them left', () => {
    const groups: string[][] = [];
    for (const id of ['first', 'second']) {
      const sleeps = (spec: Spec): Spec => ({ ...spec, process: { ...spec.process, args: ['sleep', '1000'] } });
      using box = engineBundle(id, (spec) => ({ ...sleeps(spec), linux: { ...spec.linux, resources: limits } }));
      expect(box.create()).toMatchObject({ status: 0, stderr: '' });
      expect(box.start()).toMatchObject({ status: 0 });
      expect(withoutNode(box)).toBe(id === 'second');
      const { pid } = box.state();
      groups.push(readFileSync(`/proc/${pid}/cgroup`, 'utf8').replaceAll(id, 'ID').split('\n'));
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Cpus_allowed_list:\t0$/m);
      expect(box.call('update', ['--memory', String(32 * 2 ** 20), box.id])).toMatchObject({ status: 0, stderr: '' });
      expect(box.call('kill', [box.id, 'KILL']).status).toBe(0);
      expect(box.call('delete', [box.id])).toMatchObject({ status: 0, stderr: '' });
      expect(groupsNamed(id)).toEqual([]);
    }
    expect(groups[1]).toEqual(groups[0]);
    expect(groups[0]?.filter((line) => line.endsWith('/tare-oci/ID'))).not.toEqual([]);
  });

  test.runIf(ofLimits)('what comes to nothing without Node leaves no group in any hierarchy', () => {
    const ids = ['one-that-works', 'one-that-does-not'];
    for (const id of ids) {
      using box = engineBundle(id, (spec) => ({ ...spec, linux: { ...spec.linux, resources: limits } }));
      const console = id === ids[1] ? ['--pid-file', box.at('no', 'such', 'directory')] : [];
      expect(box.create(console).status).toBe(id === ids[1] ? 1 : 0);
      if (id === ids[1]) expect(groupsNamed(id)).toEqual([]);
    }
  });

  /** Its hook leaves a line, and does as it is told. */
  const hooked = (script: string, args?: string[]) => (spec: Spec) => {
    const trace = join(spec.root.path, '../trace');
    const hook = { path: '/bin/sh', args: ['sh', '-c', `cat >/dev/null; echo ran >>${trace}; ${script}`] };
    const process = args === undefined ? spec.process : { ...spec.process, args };
    return { ...spec, process, hooks: { createRuntime: [hook] } };
  };

  test.each<[what: string, script: string, args?: string[], file?: string]>([
    ['a hook that fails', 'echo the reason >&2; exit 3'],
    ['a hook that is killed', 'kill -9 $$'],
    ['a command that is not there', 'true', ['no-such-command', '-c', '', '', '']],
    ['a directory that the pid cannot be written into', 'true', undefined, 'no/such/directory'],
  ])('hooks run once and never again by Node: %s', (_, script, args, file = 'pid') => {
    using first = engineBundle('first', hooked('true'));
    expect(first.create()).toMatchObject({ status: 0, stderr: '' });
    const said = ['second', 'third'].map((id) => {
      using box = engineBundle(id, hooked(script, args));
      const env = { ...process.env, ...(id === 'third' ? { TARE_NO_REPLAY: '1' } : {}) };
      const { status, stderr } = box.create(['--pid-file', box.at(file)], { env });
      expect([status, readFileSync(box.at('trace'), 'utf8')]).toEqual([1, 'ran\n']);
      expect(box.log.at(-1)?.msg).toBe(stderr.trim().replace(/^tare-oci: /, ''));
      expect(box.call('state', [box.id]).status).toBe(1);
      expect(groupsNamed(id)).toEqual([]);
      return stderr.replaceAll(box.path, 'BUNDLE');
    });
    expect(said[0]).not.toBe('');
    expect(said[0]).toBe(said[1]);
  });

  const decisive: [what: string, change: (spec: Spec) => Spec][] = [
    [
      'a variable PATH',
      (spec) => ({ ...spec, process: { ...spec.process, env: ['PATH=/nowhere:/bin', 'HOSTNAME=x', 'LONG=y'] } }),
    ],
    [
      'a variable HOME, which is the runtime’s to set where it is missing',
      (spec) => ({
        ...spec,
        process: {
          ...spec.process,
          env: spec.process.env?.map((entry) => (entry.startsWith('LONG=') ? 'HOME=/elsewhere' : entry)),
        },
      }),
    ],
    ['the user', (spec) => ({ ...spec, process: { ...spec.process, user: { uid: 1, gid: 0 } } })],
    [
      'a command with a path',
      (spec) => ({ ...spec, process: { ...spec.process, args: ['/bin/true', '', '', '', ''] } }),
    ],
    ['one argument more', (spec) => ({ ...spec, process: { ...spec.process, args: ['true', '', '', '', '', ''] } })],
    ['a mount that means something', (spec) => bound(spec, '/proc')],
    ['a directory where there was a file', (spec) => bound(spec, '/usr')],
  ];
  const bound = (spec: Spec, source: string): Spec => ({
    ...spec,
    mounts: spec.mounts?.map((mount) => (mount.destination === '/bound' ? { ...mount, source } : mount)),
  });

  for (const [what, change] of decisive) {
    test(`what decides is looked at again: ${what}`, () => {
      using known = engineBundle('known');
      known.create();
      using other = engineBundle('other', change);
      expect(other.create()).toMatchObject({ status: 0 });
      expect(withoutNode(other)).toBe(false);
    });
  }

  const gone: [what: string, change: (spec: Spec) => Spec, says: RegExp][] = [
    ['the bound file', (spec) => bound(spec, '/nowhere/at/all'), /nowhere/],
    [
      'the command',
      (spec) => ({ ...spec, process: { ...spec.process, args: ['nothing', '', '', '', ''] } }),
      /not found/,
    ],
    ['the root', (spec) => ({ ...spec, root: { path: '/nowhere/at/all' } }), /nowhere/],
  ];
  for (const [what, change, says] of gone) {
    test(`where it comes to nothing it is undone, and Node finds the words: without ${what}`, () => {
      using known = engineBundle('known');
      known.create();
      using other = engineBundle('other', change);
      const { status, stderr } = other.create();
      expect(status).toBe(1);
      expect(stderr).toMatch(says);
      expect(other.call('state', [other.id]).status).toBe(1);
    });
  }

  test('an id that is taken stays whose it is', () => {
    using box = engineBundle('taken');
    expect(box.create().status).toBe(0);
    const { pid } = box.state();
    const again = box.create();
    expect(again).toMatchObject({ status: 1 });
    expect(again.stderr).toContain('already exists');
    expect(box.state()).toMatchObject({ pid, status: 'created' });
  });

  test('a hook runs with the state on its standard input; one that fails undoes the create', () => {
    const hooked = (box: Bundle, script: string) => (spec: Spec) => ({
      ...spec,
      hooks: { prestart: [{ path: '/bin/sh', args: ['sh', '-c', script, 'sh', box.path], env: ['KEY=value'] }] },
    });
    const said: unknown[] = [];
    for (const id of ['first', 'second']) {
      using box = engineBundle(id);
      box.write(hooked(box, 'cat >$1/told; echo $KEY >>$1/told')(engineSpec(box, id)));
      expect(box.create()).toMatchObject({ status: 0, stderr: '' });
      expect(withoutNode(box)).toBe(id === 'second');
      const [state = '', key] = readFileSync(box.at('told'), 'utf8').split(/(?<=})(?=value)/);
      expect(key).toBe('value\n');
      const { pid, ...rest } = JSON.parse(state) as { pid: number };
      expect(pid).toBe(box.state().pid);
      said.push({ ...rest, id: '', bundle: '', rootfs: '', created: '', annotations: '' });
    }
    expect(said[1]).toEqual(said[0]);
    using box = engineBundle('third');
    box.write(
      hooked(
        box,
        'cat >/dev/null; [ -e $1/bound/third ] || exit 0; echo refused >&2; exit 3',
      )(engineSpec(box, 'third')),
    );
    const { status, stderr } = box.create();
    expect(status).toBe(1);
    expect(stderr).toContain('refused');
    expect(box.call('state', [box.id]).status).toBe(1);
  });

  test('a terminal goes to whoever listens', async () => {
    for (const id of ['first', 'second']) {
      using box = engineBundle(id, (spec) => ({
        ...spec,
        process: { ...spec.process, terminal: true, args: ['tty'] },
      }));
      const path = join(box.path, 'console');
      const server = createServer().listen(path);
      const heard = new Promise<string>((resolve) =>
        server.on('connection', (socket) => socket.on('data', (chunk) => resolve(String(chunk)))),
      );
      await eventually('somebody listens', () => server.listening);
      expect(box.create(['--console-socket', path])).toMatchObject({ status: 0, stderr: '' });
      expect(withoutNode(box)).toBe(id === 'second');
      expect(await heard).toBe('/dev/ptmx');
      server.close();
    }
  });
});
