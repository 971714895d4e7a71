/** The command over a root of its own: what is written, what is said, what is left. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HookUpCommand } from '../../../src/hookup/command.ts';
import { hookUp } from '../../../src/hookup/main.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tare-hookup-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function call(engine: HookUpCommand['engine'], more: Partial<HookUpCommand> = {}): { printed: string; said: string } {
  const heard = { printed: '', said: '' };
  const status = hookUp(
    { engine, root, isDefault: false, undo: false, dryRun: false, runtime: '/bin/sh', ...more },
    {
      env: { HOME: '/home/user' },
      print: (text) => (heard.printed += text),
      complain: (text) => (heard.said += text),
    },
  );
  expect(status).toBe(0);
  return heard;
}

const at = (file: string): string => join(root, file);
const daemon = '/etc/docker/daemon.json';

function put(file: string, text: string): void {
  mkdirSync(dirname(at(file)), { recursive: true });
  writeFileSync(at(file), text);
}

describe('docker', () => {
  test('written, once, changed back and gone', () => {
    expect(call('docker')).toEqual({
      printed: `${at(daemon)}: written\n`,
      said: 'next: systemctl reload docker\n      docker run --runtime tare --rm IMAGE\n',
    });
    expect(call('docker')).toEqual({ printed: `${at(daemon)}: nothing to do\n`, said: '' });
    expect(call('docker', { undo: true }).printed).toBe(`${at(daemon)}: removed\n`);
    expect(existsSync(at(daemon))).toBe(false);
    expect(call('docker', { undo: true }).printed).toBe(`${at(daemon)}: nothing to do\n`);
  });

  test('a dry run shows what it would do, and does nothing', () => {
    const before = '{\n  "debug": true\n}\n';
    put(daemon, before);
    expect(call('docker', { dryRun: true }).printed).toBe(
      [
        `${at(daemon)}, as it would be changed:`,
        '-  "debug": true',
        '+  "debug": true,',
        '+  "runtimes": {',
        '+    "tare": {',
        '+      "path": "/bin/sh"',
        '+    }',
        '+  }\n',
      ].join('\n'),
    );
    expect(readFileSync(at(daemon), 'utf8')).toBe(before);
  });

  test('mode and links of a file that is there stay', () => {
    put('/etc/elsewhere.json', '{}');
    chmodSync(at('/etc/elsewhere.json'), 0o640);
    mkdirSync(at('/etc/docker'));
    symlinkSync('../elsewhere.json', at(daemon));
    expect(call('docker').printed).toBe(`${at(daemon)}: changed\n`);
    expect(readFileSync(at('/etc/elsewhere.json'), 'utf8')).toContain('tare');
    expect(statSync(at('/etc/elsewhere.json')).mode & 0o777).toBe(0o640);
  });

  test('a file that cannot be read is left alone', () => {
    put(daemon, '{"a": }');
    expect(() => call('docker')).toThrow(/daemon.json, line 1/);
    expect(readFileSync(at(daemon), 'utf8')).toBe('{"a": }');
  });
});

test('a runtime that is not there is not written down', () => {
  expect(() => call('docker', { runtime: at('nowhere') })).toThrow(/nowhere: ENOENT/);
  expect(existsSync(at('/etc'))).toBe(false);
});

test.each(['podman', 'containerd', 'cri-o', 'swarm'] as const)('%s: there and back', (engine) => {
  const file = call(engine).printed.replace(': written\n', '');
  expect(readFileSync(file, 'utf8')).toContain('/bin/sh');
  expect(call(engine, { undo: true }).printed).toBe(`${file}: removed\n`);
  expect(existsSync(file)).toBe(false);
});

test('kubernetes: the manifest alone on standard output', () => {
  const { printed, said } = call('kubernetes');
  expect(printed).toContain('kind: RuntimeClass');
  expect(said).toContain('kubectl apply');
  expect(call('kubernetes', { undo: true })).toEqual({ printed, said: '' });
});
