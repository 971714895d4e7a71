/** config.md, "POSIX-platform Hooks", and runtime.md, "Lifecycle". */
import { readFileSync, existsSync, writeFileSync, chmodSync, mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Hooks } from '../../../src/spec/spec.ts';
import { needs } from '../../kernel/needs.ts';
import { testOf } from './deviations.ts';
import { Bundle, eventually, plainSpec } from './bundle.ts';
import { type Runtime, runtimes } from './runtimes.ts';

const able = needs('root', 'busybox', 'cgroup2');

const moments = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;

/**
 * A bundle whose hooks run scripts; each appends a line to `trace`, as it can from where it is. A script reads the state to its end, even
 * where it has no use for it: crun 1.8 dies of SIGPIPE when it writes to a hook that has ended.
 */
function hooked(runtime: Runtime, scripts: Partial<Record<keyof Hooks, string>>, args = ['sleep', '1000']): Bundle {
  const box = new Bundle(runtime, plainSpec(args));
  const hooks = Object.entries(scripts).map(([moment, script]) => {
    const path = '/bin/sh';
    return [
      moment,
      [{ path, args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin', `AT=${box.path}`, `MOMENT=${moment}`] }],
    ];
  });
  box.write({ ...plainSpec(args), hooks: Object.fromEntries(hooks) as Hooks });
  return box;
}

const trace = (box: Bundle): string[] =>
  existsSync(box.at('trace')) ? readFileSync(box.at('trace'), 'utf8').trim().split('\n') : [];

const note =
  'state=$(cat); status=${state#*\\"status\\":}; status=${status#*\\"}; echo $MOMENT ${status%%\\"*} >>$AT/trace';
const noteInside = 'state=$(cat); echo $MOMENT >>/trace';

describe.runIf(able).each(runtimes)('$name', (runtime) => {
  const check = testOf(runtime);

  check('all run, in their order, each at its moment, with the state on standard input', async () => {
    using box = hooked(runtime, {
      ...Object.fromEntries(moments.map((moment) => [moment, note])),
      startContainer: noteInside,
    });
    expect(box.create()).toMatchObject({ status: 0 });
    // crun and runc differ in what they call the moment in which the last one runs.
    const afterCreate = ['prestart', 'createRuntime', 'createContainer'];
    expect(trace(box).map((line) => line.split(' ')[0])).toEqual(afterCreate);
    expect(trace(box).slice(0, 2)).toEqual(
      runtime.name === 'tare-oci' ? ['prestart creating', 'createRuntime creating'] : trace(box).slice(0, 2),
    );
    expect(box.read('trace')).toBeUndefined();
    expect(box.start()).toMatchObject({ status: 0 });
    await eventually('it is there', () => !(box.read('trace') === undefined));
    expect(box.read('trace')).toBe('startContainer\n');
    expect(trace(box).at(3)).toBe('poststart running');
    box.call('kill', [box.id, 'KILL']);
    await box.until('stopped');
    expect(box.call('delete', [box.id])).toMatchObject({ status: 0 });
    expect(trace(box).at(4)).toBe('poststop stopped');
  });

  test('createRuntime is on the host, createContainer in the container before it is entered, startContainer inside', async () => {
    const namespaces = 'for name in net mnt uts; do readlink /proc/self/ns/$name; done';
    using box = hooked(runtime, {
      createRuntime: `cat >/dev/null; ${namespaces} >$AT/host; hostname >>$AT/host`,
      createContainer: `cat >/dev/null; ${namespaces} >$AT/container; ls -d $AT/rootfs >>$AT/container`,
      startContainer: `cat >/dev/null; ${namespaces} >/inside; ls -d / >>/inside`,
    });
    expect(box.create()).toMatchObject({ status: 0 });
    const { pid } = box.state();
    const worlds = (of: string) => ['net', 'mnt', 'uts'].map((name) => box.link(`/proc/${of}/ns/${name}`) ?? '');
    expect(readFileSync(box.at('host'), 'utf8').split('\n').slice(0, 1)).toEqual(worlds('self').slice(0, 1));
    expect(readFileSync(box.at('container'), 'utf8').trim().split('\n')).toEqual([
      ...worlds(String(pid)),
      box.at('rootfs'),
    ]);
    box.start();
    await eventually('it is there', () => !(box.read('inside')?.includes('\n/\n') !== true));
    expect(box.read('inside')?.trim().split('\n')).toEqual([...worlds(String(pid)), '/']);
  });

  test.runIf(runtime.name !== 'crun')(
    'they stand in the bundle, in the root to be, and where the process will, whichever way they are run',
    async () => {
      for (const _ of ['first', 'second']) {
        using box = hooked(runtime, {
          createRuntime: 'cat >/dev/null; pwd >$AT/runtime',
          createContainer: 'cat >/dev/null; pwd >$AT/container',
          startContainer: 'cat >/dev/null; pwd >/inside',
        });
        expect(box.create()).toMatchObject({ status: 0 });
        expect(readFileSync(box.at('runtime'), 'utf8')).toBe(`${box.path}\n`);
        expect(readFileSync(box.at('container'), 'utf8')).toBe(`${box.at('rootfs')}\n`);
        expect(box.start()).toMatchObject({ status: 0 });
        await eventually('it is there', () => box.read('inside') === '/\n');
      }
    },
  );

  test.runIf(runtime.name !== 'crun')(
    'startContainer is confined as the process is, for it runs what the image has',
    async () => {
      const look = "grep -E '^(Uid|Groups|Cap|NoNew|Seccomp:)' /proc/self/status; cat /proc/self/cgroup";
      const { process, ...rest } = plainSpec(['sh', '-c', `{ ${look}; } >/tmp/process`]);
      using box = new Bundle(runtime, plainSpec([]));
      chmodSync(box.path, 0o755);
      mkdirSync(box.at('rootfs/tmp'), { recursive: true });
      chmodSync(box.at('rootfs/tmp'), 0o777);
      const args = ['sh', '-c', `cat >/dev/null; { ${look}; } >/tmp/hook`];
      box.write({
        ...rest,
        process: { ...process, user: { uid: 7, gid: 7 } },
        linux: {
          ...rest.linux,
          seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['sync'], action: 'SCMP_ACT_ERRNO' }] },
        },
        hooks: { startContainer: [{ path: '/bin/sh', args, env: ['PATH=/bin:/usr/bin'] }] },
      });
      expect(box.create()).toMatchObject({ status: 0 });
      expect(box.start()).toMatchObject({ status: 0 });
      await box.until('stopped');
      expect(box.read('tmp/hook')).toMatch(/^Uid:\t7\t7/);
      expect(box.read('tmp/hook')).toBe(box.read('tmp/process'));
    },
  );

  for (const moment of ['prestart', 'createRuntime', 'createContainer'] as const) {
    check(`a failing ${moment} undoes the create`, () => {
      using box = hooked(runtime, { [moment]: 'cat >/dev/null; echo the reason >&2; exit 3', poststop: note });
      expect(box.create().status).not.toBe(0);
      expect(box.log.at(-1)?.msg).toContain('the reason');
      expect(box.call('state', [box.id]).status).toBe(1);
      if (runtime.name === 'tare-oci') expect(trace(box)).toEqual(['poststop stopped']);
    });
  }

  test('a hook that takes longer than its timeout fails', () => {
    using box = new Bundle(runtime, plainSpec(['true']));
    const slow = { path: '/bin/sleep', args: ['sleep', '60'], timeout: 1 };
    box.write({ ...plainSpec(['true']), hooks: { prestart: [slow] } });
    expect(box.create().status).toBe(1);
    expect(box.call('state', [box.id]).status).toBe(1);
  });

  test('a hook that is not there fails, and says so', () => {
    using box = new Bundle(runtime, plainSpec(['true']));
    box.write({ ...plainSpec(['true']), hooks: { prestart: [{ path: box.at('nowhere') }] } });
    const { status, stderr } = box.create();
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/nowhere|hook/);
  });

  test('a failing poststop is warned of, and the container is gone', async () => {
    using box = hooked(runtime, { poststop: 'cat >/dev/null; exit 1' }, ['true']);
    box.create();
    box.start();
    await box.until('stopped');
    expect(box.call('delete', [box.id])).toMatchObject({ status: 0 });
    expect(box.call('state', [box.id]).status).toBe(1);
  });

  test('hooks have the environment that they are given, and no other', () => {
    using box = new Bundle(runtime, plainSpec(['true']));
    const script = box.at('hook');
    writeFileSync(script, `#!/bin/sh\ncat >/dev/null\n/usr/bin/env >${box.at('env')}\n`);
    chmodSync(script, 0o755);
    box.write({ ...plainSpec(['true']), hooks: { prestart: [{ path: script, env: ['KEY=value'] }] } });
    expect(box.create()).toMatchObject({ status: 0 });
    const lines = readFileSync(box.at('env'), 'utf8').trim().split('\n');
    expect(lines).toContain('KEY=value');
    expect(lines.filter((line) => !/^(KEY|PWD|_|OLDPWD|SHLVL)=/.test(line))).toEqual([]);
  });

  test('hooks that are given no environment have that of the runtime, whichever way they are run', () => {
    for (const round of ['first', 'second']) {
      using box = new Bundle(runtime, plainSpec(['true']));
      const args = ['sh', '-c', 'cat >/dev/null; echo "$TOLD" >"$WHERE"'];
      box.write({ ...plainSpec(['true']), hooks: { prestart: [{ path: '/bin/sh', args }] } });
      const env = { ...process.env, TOLD: round, WHERE: box.at('told') };
      expect(box.create([], { env })).toMatchObject({ status: 0 });
      expect(readFileSync(box.at('told'), 'utf8')).toBe(`${round}\n`);
    }
  });
});
