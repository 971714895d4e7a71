/** The rules of ARCHITECTURE.md as code. Each is shown to catch an offender first: a rule that never fails proves nothing. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import {
  layerOrder,
  namedExports,
  noCycles,
  packageOwners,
  purity,
  separateFamilies,
  shortFiles,
} from './architecture/rules.ts';
import { parse, type Source } from './architecture/source.ts';

const top = join(import.meta.dirname, '..');

/** Files of data, one row a line: long, but not to be read from top to bottom. */
const tables = ['src/spec/seccomp-default.ts'];

const sources = readdirSync(join(top, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => parse(join('src', path), readFileSync(join(top, 'src', path), 'utf8')));

/** Sources that exist only here. */
const imagine = (files: Record<string, string>): Source[] =>
  Object.entries(files).map(([path, text]) => parse(path, text));

describe('rooms know only the layers below theirs', () => {
  test('in the project', () => expect(layerOrder(sources)).toEqual([]));

  test('and an import upwards, of a sibling or past the front door is caught', () => {
    const offenders = imagine({
      'src/linux/host.ts': "import type { Spec } from '../spec/spec.ts';",
      'src/launch/compile.ts':
        "import { TareError } from '../errors.ts';\nimport { attach } from '../network/driver.ts';",
      'src/labs/first.ts':
        "import { run } from '../index.ts';\nconst { create } = await import('../container/create.ts');",
      'src/utils/list.ts': "export { syscallNumber } from '../linux/abi.ts';",
    });
    expect(layerOrder(offenders)).toEqual([
      "src/linux/host.ts:1: import type { Spec } from '../spec/spec.ts'; (linux may not know spec)",
      "src/launch/compile.ts:2: import { attach } from '../network/driver.ts'; (launch may not know network)",
      "src/labs/first.ts:2: const { create } = await import('../container/create.ts'); (labs uses index.ts like any user)",
      "src/utils/list.ts:1: export { syscallNumber } from '../linux/abi.ts'; (no room is called utils: give it a layer)",
    ]);
  });
});

describe('native code and processes each have one door', () => {
  test('in the project', () => expect(packageOwners(sources)).toEqual([]));

  test('and another door is caught', () => {
    const offenders = imagine({
      'src/linux/native.ts': "const addon = require('ffi-rs');",
      'src/cgroup/create.ts': "import { open } from 'ffi-rs';",
      'src/image/unpack.ts': "import { execFileSync } from 'node:child_process';",
    });
    expect(packageOwners(offenders)).toEqual([
      "src/cgroup/create.ts:1: import { open } from 'ffi-rs'; (only linux/native.ts knows native code)",
      "src/image/unpack.ts:1: import { execFileSync } from 'node:child_process'; (only launch/spawn.ts starts processes)",
    ]);
  });
});

describe('what is pure gets its facts as arguments', () => {
  test('in the project', () => expect(purity(sources)).toEqual([]));

  test('and files, the clock, randomness and the process are caught, far down the imports too', () => {
    const offenders = imagine({
      'src/spec/defaults.ts': "import { hostname } from 'node:os';\nconst name = `${hostname()}-${Math.random()}`;",
      'src/launch/compile.ts': "import { probe } from '../linux/host.ts';\nconst now = Date.now();",
      'src/launch/explain.ts':
        "import type { Host } from '../linux/host.ts';\nconst process = { pid: 1 }; process.pid;",
      'src/launch/spawn.ts': "import { readFileSync } from 'node:fs';",
      'src/linux/host.ts': "import { readFileSync } from 'node:fs';",
      'src/weigh/statistics.ts': 'export const arch = process.arch;',
    });
    expect(purity(offenders)).toEqual([
      'src/spec/defaults.ts:2: const name = `${hostname()}-${Math.random()}`; (src/spec/defaults.ts is pure)',
      "src/spec/defaults.ts:1: import { hostname } from 'node:os'; (src/spec/defaults.ts is pure)",
      'src/launch/compile.ts:2: const now = Date.now(); (src/launch/compile.ts is pure)',
      "src/linux/host.ts:1: import { readFileSync } from 'node:fs'; (src/launch/compile.ts → src/linux/host.ts is pure)",
      'src/weigh/statistics.ts:1: export const arch = process.arch; (src/weigh/statistics.ts is pure)',
    ]);
  });
});

describe('drivers and backends never import each other', () => {
  test('in the project', () => expect(separateFamilies(sources)).toEqual([]));

  test('and a sibling is caught', () => {
    const offenders = imagine({
      'src/weigh/backends/crun.ts':
        "import { prepare } from './runc.ts';\nimport type { Backend } from '../backend.ts';",
    });
    expect(separateFamilies(offenders)).toEqual([
      "src/weigh/backends/crun.ts:1: import { prepare } from './runc.ts'; (siblings never import each other)",
    ]);
  });
});

describe('imports never form a cycle', () => {
  test('in the project', () => expect(noCycles(sources)).toEqual([]));

  test('and a cycle is caught, of types too, but not a registry that loads its entries lazily', () => {
    const offenders = imagine({
      'src/spec/a.ts': "import { b } from './b.ts';",
      'src/spec/b.ts': "export * from './c.ts';",
      'src/spec/c.ts': "import type { A } from './a.ts';",
      'src/cli/verbs.ts': "const load = () => import('./help.ts');",
      'src/cli/help.ts': "import { verbs } from './verbs.ts';",
    });
    expect(noCycles(offenders)).toEqual([
      "src/spec/c.ts:1: import type { A } from './a.ts'; (a cycle: src/spec/a.ts → src/spec/b.ts → src/spec/c.ts → src/spec/a.ts)",
    ]);
  });
});

describe('exports have names', () => {
  test('in the project', () => expect(namedExports(sources)).toEqual([]));

  test('and a default export is caught', () => {
    const offenders = imagine({
      'src/a.ts': 'export default 1;',
      'src/b.ts': 'export default class B {}',
      'src/c.ts': 'const c = 1;\nexport { c as default };',
    });
    expect(namedExports(offenders)).toHaveLength(3);
  });
});

describe('files are short', () => {
  test('in the project', () => expect(shortFiles(sources, tables)).toEqual([]));

  test('and every exception is one', () => {
    const paths = sources.filter(({ lines }) => lines > 300).map(({ path }) => path);
    expect(tables.filter((path) => !paths.includes(path))).toEqual([]);
  });

  test('and a long one is caught', () => {
    const offenders = imagine({ 'src/a.ts': 'let a;\n'.repeat(301), 'src/b.ts': 'let b;\n'.repeat(300) });
    expect(shortFiles(offenders, [])).toEqual(['src/a.ts: 301 lines (300 at most, unless it is a table)']);
  });
});

/** Where this project was written, and whom a lockfile downloaded from. */
const foreign = /\/work\/(main|shared)\b|registry\.npmjs|"resolved":\s"/;

describe('no file knows the machine it was written on', () => {
  test('in the project', () => {
    const files = execFileSync('git', ['ls-files', '-z'], { cwd: top, encoding: 'utf8' }).split('\0');
    const offences = files
      .filter((path) => statSync(join(top, path), { throwIfNoEntry: false })?.isFile())
      .flatMap((path) => foreignLines(path, readFileSync(join(top, path), 'utf8')));
    expect(offences).toEqual([]);
  });

  test('and a path of its checkout is caught', () => {
    const path = ['', 'work', 'main', 'src'].join('/');
    expect(foreignLines('README.md', `first\ncd ${path}`)).toEqual([`README.md:2: cd ${path}`]);
  });
});

function foreignLines(path: string, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, index) => (foreign.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []));
}
