/** Debian's tools that are run when backends are weighed, with the shared libraries that each needs: ld.so(8), `ldd`. */
import { copyFileSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { read } from '../command.mjs';

/**
 * Where each is in the image, and on the host. Redis is one program that does what its name says; by the name of its server
 * it comes in a package that would start one.
 */
const tools = Object.entries({
  '/usr/bin/sysbench': '/usr/bin/sysbench',
  '/usr/bin/fio': '/usr/bin/fio',
  '/usr/bin/iperf3': '/usr/bin/iperf3',
  '/usr/bin/redis-server': '/usr/bin/redis-check-rdb',
  '/usr/bin/redis-benchmark': '/usr/bin/redis-benchmark',
}).map(([path, from]) => ({ path, from }));

/** Those that are installed. */
export const findTools = () => tools.filter(({ from }) => existsSync(from));

/**
 * @param {ReturnType<typeof findTools>} found
 * @param {string} root
 */
export function copyTools(found, root) {
  const libraries = new Set(found.flatMap(({ from }) => librariesOf(from)));
  for (const { path, from } of [...found, ...[...libraries].map((path) => ({ path, from: path }))]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    copyFileSync(realpathSync(from), join(root, path));
  }
}

/** The loader itself is one of them: a line without an arrow. @param {string} program */
const librariesOf = (program) =>
  (read('ldd', [program]) ?? '')
    .split('\n')
    .flatMap((line) => /^\t(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line)?.[1] ?? []);
