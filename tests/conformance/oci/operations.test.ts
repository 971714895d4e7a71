/** What runc(8) has beyond the runtime-spec, and engines call: exec, ps, list, pause, resume, update, events, features, spec. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';
import type { Process } from '../../../src/spec/spec.ts';
import { needs } from '../../kernel/needs.ts';
import { testOf } from './deviations.ts';
import { Bundle, eventually, plainSpec, saying } from './bundle.ts';
import { runtimes } from './runtimes.ts';

const able = needs('root', 'busybox', 'cgroup2');
const waits = ['sleep', '1000'];

describe.runIf(able).each(runtimes)('$name', (runtime) => {
  const ours = runtime.name === 'tare-oci';
  const running = (spec = plainSpec(waits)): Bundle => {
    const box = new Bundle(runtime, spec);
    const created = box.create();
    expect(created).toMatchObject({ status: 0 });
    expect(box.start()).toMatchObject({ status: 0 });
    return box;
  };
  const processFile = (box: Bundle, change: Partial<Process>): string => {
    writeFileSync(box.at('process.json'), JSON.stringify({ ...plainSpec(['true']).process, ...change }));
    return box.at('process.json');
  };

  testOf(runtime)('exec: a process in the namespaces of the container, as its environment and its user', () => {
    using box = running();
    const script =
      'hostname; id -u; pwd; echo $KEY; grep -c . /proc/1/cmdline; for n in pid net ipc uts mnt; do readlink /proc/self/ns/$n; done';
    const words = ['--env', 'KEY=value', '--cwd', '/tmp', '--user', '1000:1000', box.id, 'sh', '-c', script];
    const { status, stdout, stderr } = box.call('exec', words);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    expect(lines.slice(0, 4)).toEqual(['suite', '1000', '/tmp', 'value']);
    const { pid } = box.state();
    const theirs = ['pid', 'net', 'ipc', 'uts', 'mnt'].map((name) => box.link(`/proc/${pid}/ns/${name}`));
    expect(lines.slice(5)).toEqual(theirs);
  });

  test('exec: a variable that is given anew takes the place of the old one', () => {
    using box = running();
    const words = ['--env', 'PATH=/usr/bin:/bin', box.id, 'sh', '-c', 'env | grep ^PATH='];
    expect(box.call('exec', words)).toMatchObject({ status: 0, stdout: 'PATH=/usr/bin:/bin\n' });
  });

  test('exec: the exit code is the command’s, and 255 or so where there is none', () => {
    using box = running();
    expect(box.call('exec', [box.id, 'sh', '-c', 'exit 42']).status).toBe(42);
    expect(box.call('exec', [box.id, 'sh', '-c', 'kill -9 $$']).status).toBe(137);
    const { status, stderr } = box.call('exec', [box.id, 'no-such-command']);
    expect(status).toBeGreaterThan(0);
    expect(stderr).toMatch(/executable file .*not found in \$PATH/);
    expect(box.state().status).toBe('running');
  });

  testOf(runtime)('exec: a process from a file, detached, by its pid', async () => {
    using box = running();
    const file = processFile(box, { args: ['sh', '-c', 'echo done >/done; exec sleep 100'] });
    expect(box.call('exec', ['--process', file, '--detach', '--pid-file', box.at('pid'), box.id])).toMatchObject({
      status: 0,
    });
    const pid = Number(readFileSync(box.at('pid'), 'utf8'));
    await eventually('it is there', () => !(box.read('done') === undefined));
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    const listed = box.call('ps', ['--format', 'json', box.id]);
    expect(new Set(JSON.parse(listed.stdout) as number[])).toEqual(new Set([box.state().pid, pid]));
    expect(box.call('ps', [box.id]).stdout).toContain('sleep 100');
  });

  test('exec: a process of no user is of root', () => {
    using box = running();
    writeFileSync(
      box.at('process.json'),
      JSON.stringify({ args: ['id', '-u'], cwd: '/', env: ['PATH=/bin:/usr/bin'] }),
    );
    expect(box.call('exec', ['--process', box.at('process.json'), box.id])).toMatchObject({ status: 0, stdout: '0\n' });
  });

  // Since 1.2 of the spec, which the peers of Debian 12 do not know yet.
  test.runIf(runtime.name === 'tare-oci')('exec: on the CPUs of "execCPUAffinity"', () => {
    using box = running();
    const file = processFile(box, {
      args: ['grep', '^Cpus_allowed_list', '/proc/self/status'],
      execCPUAffinity: { initial: '0', final: '0' },
    });
    expect(box.call('exec', ['--process', file, box.id]).stdout).toBe('Cpus_allowed_list:\t0\n');
    const none = processFile(box, { args: ['true'], execCPUAffinity: { final: '8000' } });
    expect(box.call('exec', ['--process', none, box.id]).stderr).toContain('none of them is there');
  });

  test('exec: no capability but those that are granted, and no way to gain any', () => {
    using box = running();
    const file = processFile(box, { args: ['grep', '-E', '^(Cap|NoNew)', '/proc/self/status'] });
    const { stdout } = box.call('exec', ['--process', file, box.id]);
    const kill = '0000000000000020';
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.replace('\t', ' ')),
    ).toEqual([
      'CapInh: 0000000000000000',
      `CapPrm: ${kill}`,
      `CapEff: ${kill}`,
      `CapBnd: ${kill}`,
      'CapAmb: 0000000000000000',
      'NoNewPrivs: 1',
    ]);
  });

  test('exec: nothing in a container that has stopped', async () => {
    using box = running(plainSpec(['true']));
    await box.until('stopped');
    expect(box.call('exec', [box.id, 'true']).status).not.toBe(0);
    expect(box.call('exec', ['no-such-container', 'true']).status).not.toBe(0);
  });

  test('pause and resume: the container stands still in between', async () => {
    if (!ours && Object.keys(probeCgroups().v1).length > 0) return; // they freeze by cgroup v1, which is not ours to compare
    using box = running(plainSpec(['sh', '-c', 'while :; do date +%s%N >/tick; sleep 0.01; done']));
    await eventually('it is there', () => !(box.read('tick') === undefined));
    expect(box.call('pause', [box.id])).toMatchObject({ status: 0 });
    expect(box.state().status).toBe('paused');
    const still = box.read('tick');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(box.read('tick')).toBe(still);
    const refused = box.call('exec', [box.id, 'true']);
    expect(refused.status).not.toBe(0);
    if (runtime.name !== 'crun') expect(refused.stderr).toContain('cannot exec in a paused container');
    expect(box.call('resume', [box.id])).toMatchObject({ status: 0 });
    expect(box.state().status).toBe('running');
    await eventually('it is there', () => !(box.read('tick') === still));
    expect(box.call('resume', [box.id]).status).not.toBe(0);
  });

  test('list: every container with its state', () => {
    using box = running();
    const listed = JSON.parse(box.call('list', ['--format', 'json']).stdout) as { id: string; status: string }[];
    expect(listed).toMatchObject([{ id: box.id, status: 'running' }]);
    expect(box.call('list', ['--quiet']).stdout).toBe(`${box.id}\n`);
    expect(box.call('list').stdout).toMatch(/^(ID|NAME) +PID +STATUS +BUNDLE/);
  });

  test('kill --all: every process, also without a pid namespace', async () => {
    const spec = plainSpec(['sh', '-c', 'sleep 1000 & echo $! >/child; wait']);
    const shared = {
      ...spec,
      linux: { ...spec.linux, namespaces: (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'pid') },
    };
    using box = running(shared);
    await eventually('it is there', () => !((box.read('child') ?? '') === ''));
    const child = Number(box.read('child'));
    expect(box.call('kill', ['--all', box.id, 'KILL'])).toMatchObject({ status: 0 });
    await box.until('stopped');
    await eventually(
      'it is there',
      () => !(existsSync(`/proc/${child}/exe`) && box.link(`/proc/${child}/exe`) !== undefined),
    );
    // Whoever ends a container by all its processes is not told off for one that has none left.
    if (runtime.name !== 'crun') expect(box.call('kill', ['--all', box.id, 'KILL'])).toMatchObject({ status: 0 });
    expect(box.call('kill', [box.id, 'KILL']).stderr).toContain(runtime.name === 'crun' ? 'kill' : 'not running');
  });

  test.runIf(ours)('update: a limit that this host can keep, and one that it cannot', () => {
    using box = running();
    const group = JSON.parse(readFileSync(box.at('state', box.id, 'container.json'), 'utf8')) as { cgroup: string };
    const { grantable, v1Grantable } = probeCgroups();
    const limit = grantable.includes('hugetlb')
      ? { hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }] }
      : { pids: { limit: 77 } };
    const file = grantable.includes('hugetlb') ? 'hugetlb.2MB.max' : 'pids.max';
    expect(box.call('update', ['--resources', '-', box.id], { input: JSON.stringify(limit) })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(readFileSync(`${group.cgroup}/${file}`, 'utf8').trim()).toBe(file === 'pids.max' ? '77' : '4194304');
    if (!grantable.includes('memory') && !v1Grantable.includes('memory'))
      expect(box.call('update', ['--memory', '67108864', box.id])).toMatchObject({
        status: 1,
        stderr: saying('memory'),
      });
    expect(box.call('update', ['--resources', box.at('nowhere'), box.id])).toMatchObject({ status: 1 });
  });

  test.runIf(ours)('events: what the container has used, once', () => {
    using box = running();
    const { status, stdout } = box.call('events', ['--stats', box.id]);
    expect(status).toBe(0);
    const event = JSON.parse(stdout) as { type: string; id: string; data: { cpu: { usage: { total: number } } } };
    expect(event).toMatchObject({ type: 'stats', id: box.id });
    expect(event.data.cpu.usage.total).toBeGreaterThan(0);
  });

  test.runIf(runtime.name !== 'crun' && probeCgroups().v1Grantable.includes('memory'))(
    'update --memory 20M, and events of a process that needs more',
    async () => {
      using box = running();
      expect(box.call('update', ['--memory', '20M', box.id])).toMatchObject({ status: 0 });
      expect(box.call('update', ['--memory-swap', '20971520', box.id])).toMatchObject({ status: 0 });
      const told = openSync(box.at('told'), 'w');
      const [program, ...words] = runtime.words;
      const args = [...words, '--root', box.at('state'), 'events', '--interval', '100ms', box.id];
      const events = spawn(program, args, { stdio: ['ignore', told, 'inherit'] });
      closeSync(told);
      const ended = once(events, 'exit');
      const said = (): string => readFileSync(box.at('told'), 'utf8');
      await eventually('they are watched', () => said().includes('"stats"'));
      expect(box.call('exec', [box.id, 'sh', '-c', 'head -c 64m /dev/zero | tail -c 64m >/dev/null']).status).not.toBe(
        0,
      );
      await eventually('it is told', () => said().includes(`{"type":"oom","id":"${box.id}"}`));
      box.call('kill', [box.id, 'KILL']);
      await box.until('stopped');
      box.call('delete', [box.id]);
      await ended;
    },
  );

  test.runIf(ours)('explain: the calls of a later verb', () => {
    using box = running();
    const { stdout } = box.call('explain', ['delete', box.id]);
    expect(stdout).toMatch(/unlinkat\(AT_FDCWD, ".*", AT_REMOVEDIR\)/);
  });

  test('spec: a bundle to begin with, that runs', () => {
    using box = new Bundle(runtime, plainSpec(['true']));
    expect(box.call('spec', ['--bundle', box.path]).status).not.toBe(0); // there is one
    box.removeSpec();
    expect(box.call('spec', ['--bundle', box.path])).toMatchObject({ status: 0 });
    const spec = JSON.parse(readFileSync(box.at('config.json'), 'utf8')) as { process: Process };
    box.write({ ...spec, process: { ...spec.process, terminal: false, args: ['echo', 'hello'] } });
    expect(box.call('run', ['--bundle', box.path, box.id])).toMatchObject({ status: 0, stdout: 'hello\n' });
  });

  test('run --no-pivot: what is masked stays so, for no other proc can be mounted', () => {
    const mounts = 'unshare -mrpf sh -c "mount -t proc none /proc && echo mounted"';
    const { process, linux, ...plain } = plainSpec(['sh', '-c', mounts]);
    const bounding = [...(process.capabilities?.bounding ?? []), 'CAP_SETFCAP'];
    using box = new Bundle(runtime, {
      ...plain,
      process: { ...process, capabilities: { bounding, effective: bounding, permitted: bounding } },
      linux: { ...linux, maskedPaths: ['/proc/version'] },
    });
    const { status, stdout, stderr } = box.call('run', ['--no-pivot', '--bundle', box.path, box.id]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('mount: permission denied');
  });

  test('a flag for help after a verb, and a verb that there is not', () => {
    using box = new Bundle(runtime, plainSpec(['true']));
    const asked = box.call('create', ['--help']);
    expect(asked.status).toBe(0);
    expect(asked.stdout).toContain('--console-socket');
    expect(box.call('creat', ['-h']).status).not.toBe(0);
  });

  test('checkpoint and --version', () => {
    using box = new Bundle(runtime, plainSpec(['true']));
    if (ours)
      expect(box.call('checkpoint', [box.id])).toMatchObject({
        status: 1,
        stderr: saying('not supported'),
      });
    expect(box.call('--version').stdout).toMatch(new RegExp(`^${runtime.name} version \\d`));
  });
});
