/** `tare lab` as a student, a teacher and bad luck use it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { needs } from './needs.ts';

const tare = join(import.meta.dirname, '../../bin/tare');
const able = needs('root', 'overlay', 'busybox', 'tool:unshare', 'tool:script');

interface Student {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** `tare lab …`: its exit code, and what it has printed. */
  readonly lab: (...words: string[]) => { readonly status: number | null; readonly said: string };
}

/** A student of their own, whose labs leave nothing on the host. */
function student(): Student {
  const home = mkdtempSync(join(tmpdir(), 'tare-student-'));
  const env = { ...process.env, XDG_STATE_HOME: home, NO_COLOR: '1' };
  const lab = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(tare, ['lab', ...words], { cwd: home, env, encoding: 'utf8' });
    return { status, said: stdout + stderr };
  };
  onTestFinished(() => {
    lab('reset');
    rmSync(home, { recursive: true, force: true });
  });
  return { home, env, lab };
}

const place = (said: string): string => /\/run\/tare-labs\/\w+\/\w+/.exec(said)?.[0] ?? '';
const hostIn = (said: string): string => /hostname ([a-z]+-\d+)/.exec(said)?.[1] ?? '';

test.runIf(able)('what makes no sense gets one clear line', () => {
  const { lab, home } = student();
  expect(lab('check').said).toBe(
    'tare: no lab was started (hint: tare lab list shows them, tare lab start 1 starts the first)\n',
  );
  expect(lab('start', 'become-pid-2').said).toMatch(/^tare: lab become-pid-2: .*did you mean become-pid-1\?.*\n$/);
  expect(lab('strat', '1').said).toMatch(/^tare: lab strat: no such action.*did you mean start\?.*\n$/);
  expect(lab('start').said).toBe('tare: lab start: a word is missing (hint: tare lab start LAB)\n');
  expect(lab('start', '1').status).toBe(0);
  expect(lab('check', '3').said).toMatch(/^tare: step 3 comes after step 1, which has not passed yet .*\n$/);
  expect(lab('check', '77').said).toMatch(/^tare: step 77: this lab has no such step .*\n$/);
  expect(lab('run', '1').said).toMatch(/^tare: lab run: standard input and output are no terminal .*\n$/);
  const file = join(home, 'tare/labs/progress.json');
  const whole = readFileSync(file);
  writeFileSync(file, '{"half":');
  expect(lab('status').said).toMatch(/^tare: read .*progress\.json: it is no progress of labs .*\n$/);
  writeFileSync(file, whole); // whose seed says what there is to be reset
});

test.runIf(able)('a state directory that cannot be written is named, with the cure', () => {
  const { home, env } = student();
  const mount = `mount -t tmpfs -o ro none ${home} && exec ${tare} lab start 1`;
  const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', mount], { env, encoding: 'utf8' });
  expect(status).toBe(125);
  expect(stderr).toMatch(/^tare: make a directory for .*progress\.json: EROFS \(hint: .*XDG_STATE_HOME.*\)\n$/);
});

test.runIf(able)('a failed check says what it tested, expected and saw, and a passed one is remembered', () => {
  const { lab, env } = student();
  const host = hostIn(lab('start', '1').said);
  const failed = lab('check');
  expect(failed.status).toBe(1);
  expect(failed.said).toMatch(/tested .*\n.*expected .*\n(.*\n)*.*saw .*\n/);
  const shell = spawn('unshare', ['--uts', 'sh', '-c', `hostname ${host}; exec sleep 60`], { env, stdio: 'ignore' });
  onTestFinished(() => void shell.kill('SIGKILL'));
  for (let status: number | null = 1; status !== 0;) ({ status } = lab('check', '1'));
  shell.kill('SIGKILL');
  expect(lab('status').said).toMatch(/done {2}1\. A name of your own/);
  const exported = JSON.parse(lab('export').said) as { seed: number; labs: { values: Record<string, string> }[] };
  expect(exported.labs[0]?.values.first).toBe(host);
});

test.runIf(able)('reset takes away what a lab has made, however it ended, and keeps what was passed', async () => {
  const { lab, env, home } = student();
  const dir = place(lab('start', '3').said);
  const before = readFileSync('/proc/self/mountinfo', 'utf8');
  const made = `
    mount -t overlay overlay ${dir}/merged -o lowerdir=${dir}/app:${dir}/base,upperdir=${dir}/upper,workdir=${dir}/work
    sleep 600 & unshare --mount --pid --fork sleep 600 & echo made; wait`;
  const tag = dir.split('/').at(-2);
  const shell = spawn('sh', ['-c', made], { env: { ...env, TARE_LAB: tag }, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(shell.stdout, 'data');
  expect(lab('check', '1').status).toBe(0);
  shell.kill('SIGKILL');
  const { status, said } = lab('reset');
  expect(status).toBe(0);
  expect(said).toMatch(/removed: process \d+ \(sleep\)/);
  expect(said).toContain(`removed: the mount at ${dir}/merged`);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before);
  expect(existsSync(dir)).toBe(false);
  expect(processesOf(tag ?? '')).toEqual([]);
  expect(lab('status').said).toContain('done  1. Two directories as one');
  expect(readdirSync(join(home, 'tare/labs'))).toEqual(['progress.json']);
  expect(lab('check').said).toMatch(/^tare: lab 3 was reset, and not started since .*\n$/);
  expect(lab('start', '3').said.replaceAll(/\s+/g, ' ')).toContain(
    'you go on with step 2, and what the steps before it',
  );
});

test.runIf(able)('progress is whole whenever its writer is killed, and two writers lose nothing', async () => {
  const { lab, env, home } = student();
  lab('start', '1');
  const file = join(home, 'tare/labs/progress.json');
  for (let round = 0; round < 8; round++) {
    const hint = spawn(tare, ['lab', 'hint'], { env, stdio: 'ignore' });
    const ended = once(hint, 'exit');
    await sleep(30 + 20 * round);
    hint.kill('SIGKILL');
    await ended;
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: 1, current: 'become-pid-1' });
  }
  const count = (): number => {
    const { labs } = JSON.parse(readFileSync(file, 'utf8')) as {
      labs: Record<string, { steps: Record<string, { hints: number }> }>;
    };
    return labs['become-pid-1']?.steps.name?.hints ?? 0;
  };
  const begun = count();
  // Of another boot: the test machine, which shares the folder and may be about to change something.
  const lock = join(home, 'tare/labs/lock');
  writeFileSync(lock, '17 4711 another-boot');
  const held = setInterval(() => utimesSync(lock, new Date(), new Date()), 100);
  const refused = spawn(tare, ['lab', 'hint'], { env, stdio: 'ignore' });
  const [status] = (await once(refused, 'exit')) as [number];
  clearInterval(held);
  expect({ status, more: count() - begun }).toEqual({ status: 125, more: 0 });
  utimesSync(lock, 0, 0); // as one from before a reboot
  await Promise.all(
    Array.from({ length: 6 }, () => once(spawn(tare, ['lab', 'hint'], { env, stdio: 'ignore' }), 'exit')),
  );
  expect(count() - begun).toBe(6);
});

/** A guided session on a terminal of its own, whose keys are written and whose screen is read. */
function session(env: NodeJS.ProcessEnv): {
  type: (text: string) => void;
  until: (word: string) => Promise<string>;
  kill: () => void;
} {
  const child = spawn('script', ['--quiet', '--return', '--command', `${tare} lab run --plain 1`, '/dev/null'], {
    env: { ...env, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
  return {
    type: (text) => void child.stdin.write(`${text}\n`),
    until: async (word) => {
      while (!screen.includes(word)) await sleep(20);
      const seen = screen;
      screen = '';
      return seen;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

test.runIf(able)('a guided session checks at each prompt, in namespaces too, and there is one of it', async () => {
  const { env, lab } = student();
  const shell = session(env);
  onTestFinished(shell.kill);
  const host = hostIn(await shell.until('lab 1 '));
  const second = session(env);
  expect(await second.until('(hint')).toMatch(/lab become-pid-1 is open in another terminal, in process \d+/);
  shell.type('lab check');
  expect(await shell.until('Not yet')).toMatch(/saw /);
  // In another terminal: this one's lab stays what it is, and so does its shell.
  lab('start', '3');
  expect(lab('reset', '3').said).not.toMatch(/bash/);
  shell.type(`unshare --uts bash --norc`);
  shell.type(`hostname ${host}`);
  expect(await shell.until('Step 2 of 7')).toContain('Step 1 is done');
  // Where bash cannot fork any more, it must still come to its prompt.
  shell.type('unshare --pid bash --norc');
  shell.type('/bin/true');
  shell.type('/bin/true');
  shell.type('echo and $((40 + 2))');
  expect(await shell.until('and 42')).toContain('fork: Cannot allocate memory');
  shell.type('exit');
  shell.type('exit');
  shell.type('exit');
  await shell.until('what you have passed is kept');
  expect(lab('status').said).toMatch(/done {2}1\./);
});

test.runIf(able)('in a directory that was taken away, labs go on', () => {
  const { env, home } = student();
  const gone = join(home, 'gone');
  const script = `mkdir ${gone} && cd ${gone} && rmdir ${gone} && exec ${tare} lab status`;
  const { status, stdout } = spawnSync('sh', ['-c', script], { env, encoding: 'utf8' });
  expect(stdout).toBe('No lab was started; tare lab list shows them.\n');
  expect(status).toBe(0);
});

test.runIf(able)('a teacher writes a lab, and is told what is wrong with it', () => {
  const { lab, home } = student();
  expect(lab('new', 'mine').status).toBe(0);
  expect(lab('lint', 'mine.yaml').said).toContain('nothing wrong with its form');
  expect(lab('new', 'mine').said).toMatch(/^tare: write .*mine\.yaml: EEXIST\n$/);
  const file = join(home, 'mine.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('title: A name of its own', 'titel: A name of its own'));
  const { status, said } = lab('lint', 'mine.yaml');
  expect(status).toBe(1);
  expect(said).toMatch(/mine\.yaml:\d+: .*titel/);
  expect(lab('start', './mine.yaml').status).toBe(125);
});

test.runIf(able)(
  'what this machine lacks is named, with the machine that has it; a step that lacks something is left out',
  () => {
    const { lab, home } = student();
    lab('new', 'mine');
    const file = join(home, 'mine.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/^needs: .*$/m, "needs: ['tool:no-such|nor-such']"));
    const refused = lab('start', './mine.yaml');
    expect(refused.status).toBe(125);
    expect(refused.said).toMatch(/needs tool:no-such\|nor-such: there is no no-such and no nor-such\nhint: /);
    expect(lab('list').said).not.toContain('no-such');
    writeFileSync(file, text.replace('    title: ', "    needs: ['tool:no-such']\n    title: "));
    expect(lab('start', './mine.yaml').said.replaceAll(/\s+/g, ' ')).toMatch(
      /- left out on this machine: .* \(needs tool:no-such: there is no no-such\) Step 1 of 1: /,
    );
  },
);

/** Living ones that bear a lab's mark. */
function processesOf(tag: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`TARE_LAB=${tag}`);
    } catch {
      return false;
    }
  });
}
