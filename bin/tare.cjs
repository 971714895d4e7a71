/**
 * Runs dist/cli.cjs, or dist/oci.cjs for bin/tare-oci.cjs, with the code that V8 compiled of it at build time: some 7 ms of a start of 35. V8 itself refuses
 * a cache that another version or other flags have made, and then compiles as always.
 *
 * With TARE_WRITE_CODE_CACHE the cache is written instead, from whatever this run has compiled: see scripts/build/bundle.mjs.
 */
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const dist = join(dirname(__dirname), 'dist');
const name = require.main === module ? 'cli' : 'oci';
const file = join(dist, `${name}.cjs`);
const cache = join(dist, `${name}.cache`);

const { TARE_NODE_EXTRA_CA_CERTS: certificates, TARE_WRITE_CODE_CACHE: writes } = process.env;
if (certificates !== undefined) {
  delete process.env.TARE_NODE_EXTRA_CA_CERTS;
  process.env.NODE_EXTRA_CA_CERTS = certificates;
}

function readCache() {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

// The bundle is plain ASCII, so it need not be decoded.
const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'latin1')}\n})`;
const script = new Script(source, { filename: file, cachedData: writes === undefined ? readCache() : undefined });

if (writes !== undefined) {
  delete process.env.TARE_WRITE_CODE_CACHE;
  process.on('exit', () => {
    writeFileSync(`${cache}.new`, script.createCachedData());
    renameSync(`${cache}.new`, cache);
  });
}

script.runInThisContext()(exports, require, module, file, dist);
