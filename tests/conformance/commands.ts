/** Fifty commands whose result does not depend on what is around them. */
import type { Isolated, IsolatedOptions } from '../../src/isolation/isolation.ts';

export interface Result {
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
}

export interface Command extends Result {
  /** Completes "it …". */
  readonly does: string;
  readonly args: readonly string[];
  /** The rest of the request; `VOLUME` in a source stands for a directory of the test with `file` in it. */
  readonly request?: Partial<Omit<IsolatedOptions, 'args'>>;
  readonly stdin?: string | Buffer;
  /** Done once it has written `ready`. */
  readonly then?: (isolated: Isolated) => void;
  /** It does not start: the error's own words. */
  readonly fails?: string;
}

const sh = (script: string, ...args: string[]): readonly string[] => ['sh', '-c', script, ...args];
const say = (does: string, script: string, stdout: string | RegExp, rest: Partial<Command> = {}): Command => ({
  does,
  args: sh(script),
  stdout,
  exitCode: 0,
  ...rest,
});

const mebibyte = 2 ** 20;
const bind = (...options: string[]) => [{ type: 'bind' as const, source: 'VOLUME', target: '/volume', options }];

const streams: readonly Command[] = [
  { does: 'prints a word', args: ['echo', 'hi'], stdout: 'hi\n', exitCode: 0 },
  { does: 'prints nothing', args: ['true'], stdout: '', stderr: '', exitCode: 0 },
  say('keeps the two outputs apart', 'echo out; echo err >&2', 'out\n', { stderr: 'err\n' }),
  { does: 'echoes its input', args: ['cat'], stdin: 'one\ntwo\n', stdout: 'one\ntwo\n', exitCode: 0 },
  { does: 'sees the end of an empty input', args: ['cat'], stdin: '', stdout: '', exitCode: 0 },
  {
    does: 'takes every byte there is',
    args: ['md5sum'],
    stdin: Buffer.from([...Array(256).keys()]),
    stdout: 'e2c865db4162bed963bfaa9ef6ac18f0  -\n',
    exitCode: 0,
  },
  {
    does: 'takes a megabyte',
    args: ['wc', '-c'],
    stdin: Buffer.alloc(mebibyte, 'x'),
    stdout: `${mebibyte}\n`,
    exitCode: 0,
  },
  say('gives four megabytes', 'head -c 4194304 /dev/zero | tr "\\0" "a"', /^a{4194304}$/),
  say('gives a megabyte to each output', 'head -c 1048576 /dev/zero | tee /dev/stderr', /^\0{1048576}$/, {
    stderr: /^\0{1048576}$/,
  }),
  {
    does: 'gives back what it takes, at once',
    args: ['cat'],
    stdin: Buffer.alloc(mebibyte, 'y'),
    stdout: /^y{1048576}$/,
    exitCode: 0,
  },
  {
    does: 'need not read its input',
    args: ['echo', 'done'],
    stdin: Buffer.alloc(mebibyte),
    stdout: 'done\n',
    exitCode: 0,
  },
  say('prints what has no line end', 'printf end', 'end'),
  say('has a null device', 'cat < /dev/null; echo x > /dev/null; echo $?', '0\n'),
  say(
    'has zeros and randomness',
    'head -c 3 /dev/zero | od -An -tx1; head -c 16 /dev/urandom | wc -c',
    ' 00 00 00\n16\n',
  ),
];

const exits: readonly Command[] = [
  { does: 'ends with 0', args: ['true'], exitCode: 0 },
  { does: 'ends with 1', args: ['false'], exitCode: 1 },
  ...[2, 42, 125, 126, 127, 128, 137, 255].map((code) => ({
    does: `ends with ${code} of its own accord`,
    args: sh(`exit ${code}`),
    exitCode: code,
  })),
  say('waits for its children', '(sleep 0.1; exit 7) & wait $!; echo $?', '7\n'),
  say('sees which signal ended a child', 'sh -c "kill -TERM \\$\\$"; echo $?', '143\n', {
    stderr: /^(Terminated\n)?$/,
  }),
  { does: 'is not there', args: ['nothere'], fails: 'execute nothere: ENOENT', exitCode: 127 },
  { does: 'is a directory', args: ['/bin'], fails: 'execute /bin: EACCES', exitCode: 126 },
  { does: 'is no program', args: ['/etc/passwd'], fails: 'execute /etc/passwd: EACCES', exitCode: 126 },
];

const signals: readonly Command[] = [
  {
    does: 'is ended by SIGKILL',
    args: sh('echo ready; sleep 60'),
    then: (it) => it.kill('SIGKILL'),
    signal: 'SIGKILL',
    exitCode: 137,
  },
  {
    does: 'handles SIGTERM',
    args: sh('trap "echo got it; exit 3" TERM; echo ready; while :; do sleep 0.05; done'),
    then: (it) => it.kill('SIGTERM'),
    stdout: 'ready\ngot it\n',
    exitCode: 3,
  },
  {
    does: 'handles SIGUSR1 and goes on',
    args: sh('trap "echo usr1; exit 0" USR1; echo ready; while :; do sleep 0.05; done'),
    then: (it) => it.kill('SIGUSR1'),
    stdout: 'ready\nusr1\n',
    exitCode: 0,
  },
  {
    does: 'handles SIGINT',
    args: sh('trap "exit 130" INT; echo ready; while :; do sleep 0.05; done'),
    then: (it) => it.kill('SIGINT'),
    stdout: 'ready\n',
    exitCode: 130,
  },
];

const environment: readonly Command[] = [
  say('has the PATH of its image', 'echo $PATH', /^\/\S+\n$/),
  say('has the variables it was given', 'echo "$A|$B"', 'one|two words\n', {
    request: { env: ['A=one', 'B=two words'] },
  }),
  say('has the last of two values', 'echo $A', '2\n', { request: { env: ['A=1', 'A=2'] } }),
  say('has none of ours', 'echo "${TARE_TEST_SECRET-none}"', 'none\n'),
  say('has its arguments as they are', 'echo "$0|$1|$2"', 'a b||c"d\n', {
    args: sh('echo "$0|$1|$2"', 'a b', '', 'c"d'),
  }),
  say('starts in the root', 'pwd', '/\n'),
  say('starts in the directory it was given', 'pwd', '/tmp\n', { request: { cwd: '/tmp' } }),
  say('starts in a directory that was not there', 'pwd; ls', '/new/one\n', { request: { cwd: '/new/one' } }),
  say('has the umask it was given', 'umask; touch /tmp/f; stat -c %a /tmp/f', '0077\n600\n', {
    request: { umask: 0o077 },
  }),
  say('has the limits it was given', 'ulimit -n', '123\n', {
    request: { ulimits: [{ name: 'nofile', soft: 123, hard: 123 }] },
  }),
];

const users: readonly Command[] = [
  say('is root', 'id -u; id -g', '0\n0\n'),
  say('is the user it was given', 'id -u; id -g; id -G', '1000\n1000\n1000\n', { request: { user: '1000:1000' } }),
  say('has the groups it was given', 'id -G', '1000 7 9\n', { request: { user: '1000:1000', groupAdd: ['7', '9'] } }),
  say('may not write where its user may not', 'touch /etc/x', '', {
    request: { user: '1000:1000' },
    stderr: /Permission denied/,
    exitCode: 1,
  }),
];

const files: readonly Command[] = [
  say('reads its image', 'ls /bin/busybox && head -c 4 /bin/busybox | od -An -c', '/bin/busybox\n 177   E   L   F\n'),
  say('writes to its root', 'echo x > /etc/new && cat /etc/new', 'x\n'),
  say('cannot write to a read-only root', 'echo x > /etc/new', '', {
    request: { readOnly: true },
    stderr: /Read-only file system/,
    exitCode: 1,
  }),
  say('writes to a tmpfs in a read-only root', 'echo x > /scratch/f && cat /scratch/f', 'x\n', {
    request: { readOnly: true, mounts: [{ type: 'tmpfs', target: '/scratch', options: [] }] },
  }),
  say('reads a volume', 'cat /volume/file', 'of the host\n', { request: { mounts: bind('ro') } }),
  say('cannot write to a read-only volume', 'touch /volume/x', '', {
    request: { mounts: bind('ro') },
    stderr: /Read-only file system/,
    exitCode: 1,
  }),
  say('writes to a volume', 'echo changed > /volume/file && cat /volume/file', 'changed\n', {
    request: { mounts: bind() },
  }),
  say('sees its own processes in /proc', 'readlink /proc/self/exe', '/bin/busybox\n'),
  say(
    'makes links, pipes and directories',
    'cd /tmp; mkdir d; ln -s d l; mkfifo p; stat -c %F d l p',
    'directory\nsymbolic link\nfifo\n',
  ),
];

const terminals: readonly Command[] = [
  say('has a terminal', 'tty; test -t 0 && test -t 1 && test -t 2 && echo yes', '/dev/pts/0\r\nyes\r\n', {
    request: { terminal: true },
  }),
  say('knows the size of its window', 'stty size', '24 100\r\n', {
    request: { terminal: true, consoleSize: { width: 100, height: 24 } },
  }),
  {
    does: 'is told of a new size',
    args: sh('trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done'),
    request: { terminal: true, consoleSize: { width: 80, height: 24 } },
    then: (it) => it.resize(120, 50),
    stdout: 'ready\r\n50 120\r\n',
    exitCode: 0,
  },
];

export const commands: readonly Command[] = [
  ...streams,
  ...exits,
  ...signals,
  ...environment,
  ...users,
  ...files,
  ...terminals,
];
