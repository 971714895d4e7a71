/** runtime.md, "Lifecycle" and "Operations", over tare-oci and the peers that are installed. */
import { closeSync, existsSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { needs } from '../../kernel/needs.ts';
import { Bundle, eventually, plainSpec, saying } from './bundle.ts';
import { runtimes } from './runtimes.ts';

const able = needs('root', 'busybox', 'cgroup2');

/** Waits until it is told, and leaves a trace of each step. */
const waits = 'echo runs >/began; trap "exit 7" TERM; while :; do sleep 0.05; done';

describe.runIf(able).each(runtimes)('$name', (runtime) => {
  const bundle = (...args: string[]) => new Bundle(runtime, plainSpec(args));
  const ours = runtime.name === 'tare-oci';

  test('"Create": the process exists and has not run, and its pid is in the file', () => {
    using box = bundle('sh', '-c', waits);
    expect(box.create(['--pid-file', box.at('pid')])).toMatchObject({ status: 0 });
    const { pid, ...state } = box.state();
    expect(state).toMatchObject({ id: box.id, status: 'created', bundle: realpathSync(box.path) });
    expect(readFileSync(box.at('pid'), 'utf8')).toBe(String(pid));
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    expect(box.read('began')).toBeUndefined();
  });

  test('"Start", "Kill", "Delete": created, running, stopped, gone', async () => {
    using box = bundle('sh', '-c', waits);
    expect(box.create()).toMatchObject({ status: 0 });
    const { pid } = box.state();
    expect(box.start()).toMatchObject({ status: 0, stderr: '' });
    expect(box.state()).toMatchObject({ status: 'running', pid });
    await eventually('it is there', () => !(box.read('began') === undefined));
    expect(box.call('kill', [box.id, 'TERM'])).toMatchObject({ status: 0 });
    await box.until('stopped');
    expect(box.call('delete', [box.id])).toMatchObject({ status: 0 });
    expect(box.call('state', [box.id])).toMatchObject({ status: 1, stdout: '' });
    expect(box.log.at(-1)).toMatchObject({ level: 'error', msg: saying(/does not exist|No such file/) });
  });

  test('"State": annotations are told, and a stopped container has no process', async () => {
    using box = new Bundle(runtime, { ...plainSpec(['true']), annotations: { 'org.example.key': 'a "value"\n' } });
    box.create();
    expect(box.state().annotations).toMatchObject({ 'org.example.key': 'a "value"\n' });
    box.start();
    await box.until('stopped');
    expect(box.state().pid ?? 0).toBe(0);
  });

  test('"Start": an error for one that is not created, whose process goes on', async () => {
    using box = bundle('sh', '-c', waits);
    box.create();
    box.start();
    expect(box.start()).toMatchObject({ status: 1 });
    expect(box.state().status).toBe('running');
    box.call('kill', [box.id, 'KILL']);
    await box.until('stopped');
    expect(box.start()).toMatchObject({ status: 1 });
  });

  test('"Kill": an error for one that has stopped', async () => {
    using box = bundle('true');
    box.create();
    box.start();
    await box.until('stopped');
    expect(box.call('kill', [box.id, 'TERM']).status).toBe(1);
    if (runtime.name !== 'crun') expect(box.log.at(-1)?.msg).toContain('container not running');
  });

  test('"Delete": an error for one that runs, which goes on; by force it ends', () => {
    using box = bundle('sh', '-c', waits);
    box.create();
    box.start();
    expect(box.call('delete', [box.id]).status).toBe(1);
    const { status, pid } = box.state();
    expect(status).toBe('running');
    expect(box.call('delete', ['--force', box.id])).toMatchObject({ status: 0 });
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
    expect(box.call('state', [box.id]).status).toBe(1);
  });

  test('"Delete": by force it is an error of nobody that nothing is left', () => {
    using box = bundle('true');
    expect(box.call('delete', ['--force', box.id]).status).toBe(0);
    expect(box.call('delete', [box.id]).status).toBe(1);
  });

  test('"Create": an id is taken until it is deleted', () => {
    using box = bundle('sh', '-c', waits);
    box.create();
    const { pid } = box.state();
    expect(box.create()).toMatchObject({ status: 1, stderr: saying(/exist/) });
    expect(box.state()).toMatchObject({ pid, status: 'created' });
  });

  test.each([
    ['a name that is nowhere', 'no-such-command', /executable file .*not found in \$PATH/],
    ['a path that is not there', '/bin/no-such-command', /no such file or directory/i],
    ['a directory', '/etc', /permission denied|operation not permitted/i],
    ['a file that is not executable', '/proc/version', /permission denied|operation not permitted/i],
  ])('"Create": the command is %s, and nothing is left', (_, command, words) => {
    using box = bundle(command);
    expect(box.create()).toMatchObject({ status: 1, stderr: saying(words) });
    expect(box.log.at(-1)).toMatchObject({ level: 'error', msg: saying(words) });
    expect(box.call('state', [box.id]).status).toBe(1);
  });

  test('"Create": no file of the caller reaches the container but those that are preserved', () => {
    using box = bundle('sh', '-c', 'readlink /proc/self/fd/3; readlink /proc/self/fd/4; ls -l /proc/self/fd; exit 5');
    const files = [openSync('/etc/hostname', 'r'), openSync('/etc/hosts', 'r')];
    const called = box.call('run', ['--bundle', box.path, '--preserve-fds', '1', box.id], {
      stdio: files,
      env: { ...process.env, _OCI_SYNCPIPE: '4', _OCI_STARTPIPE: '4' },
    });
    files.forEach((fd) => closeSync(fd));
    expect(called.status).toBe(5);
    expect(called.stdout).toContain('/etc/hostname\n');
    expect(called.stdout).not.toContain('/etc/hosts\n');
    expect(called.stdout.match(/ -> (?!pipe|\/dev\/null|\/tmp\/.*\/said|\/etc\/hostname|\/proc\/\d+\/fd)/g)).toBeNull();
  });

  test('an engine without PATH in its environment', async () => {
    using box = bundle('sh', '-c', waits);
    const env: NodeJS.ProcessEnv = {};
    if (runtime.name === 'crun') env.PATH = process.env.PATH; // for its wrapper
    expect(box.create([], { env })).toMatchObject({ status: 0 });
    expect(box.call('start', [box.id], { env })).toMatchObject({ status: 0 });
    expect(box.call('kill', [box.id, '9'], { env })).toMatchObject({ status: 0 });
    await box.until('stopped');
    expect(box.call('delete', [box.id], { env })).toMatchObject({ status: 0 });
  });

  test.each([
    ['no config.json', undefined],
    ['a config.json that is no object', 'text'],
    ['a version of another century', { ...plainSpec(['true']), ociVersion: '20.0.0' }],
    ['no root', { ...plainSpec(['true']), root: { path: 'nowhere' } }],
  ])('a bundle with %s is an error that leaves nothing', (_, spec) => {
    if (!ours && typeof spec === 'object' && spec.ociVersion === '20.0.0') return; // the peers take any version
    using box = bundle('true');
    if (spec === undefined) rmSync(box.at('config.json'));
    else box.write(spec);
    expect(box.create()).toMatchObject({ status: 1, stderr: saying(/./) });
    expect(box.call('state', [box.id]).status).toBe(1);
  });

  test.each(['a/b', '..', ''])('the id %j is refused', (id) => {
    using box = bundle('true');
    expect(box.call('create', ['--bundle', box.path, id]).status).not.toBe(0);
    expect(existsSync(box.at('state/a'))).toBe(false);
  });
});
