/**
 * Preloaded into `tare run` (node --require): notes when its parts begin and end, and writes that to the file
 * TARE_BENCH_PROBE at the very end. Times are CLOCK_MONOTONIC in ns.
 */
const fs = require('node:fs');
const vm = require('node:vm');

/** @type {Record<string, number>} */
const marks = {};
const now = () => Number(process.hrtime.bigint());
/** An interruption between the readings of the two clocks makes it too early: the latest is right. */
const origin = Math.max(...Array.from({ length: 9 }, () => now() - performance.now() * 1e6));

/** The first call counts as the begin, the last as the end. @param {string} name @param {() => unknown} action */
function mark(name, action) {
  marks[`${name} begin`] ??= now();
  try {
    return action();
  } finally {
    marks[`${name} end`] = now();
  }
}

/** @param {Record<string, any>} owner @param {string} method @param {(args: any[]) => string | undefined} nameOf */
function watch(owner, method, nameOf) {
  const original = owner[method];
  owner[method] = function (/** @type {any[]} */ ...args) {
    const name = nameOf(args);
    const call = () => original.apply(this, args);
    return name === undefined ? call() : mark(name, call);
  };
}

marks.node = origin;
marks.preload = now();

watch(vm.Script.prototype, 'runInThisContext', () => 'evaluate');
const { Script } = vm;
vm.Script = class extends Script {
  /** @param {any} source @param {any} options */
  constructor(source, options) {
    marks['compile begin'] ??= now();
    super(source, options);
    marks['compile end'] = now();
    marks['cache rejected'] = Number(this.cachedDataRejected ?? true);
  }
};

watch(process, 'dlopen', () => 'dlopen');
const { dlopen } = process;
process.dlopen = function (/** @type {any} */ module, ...rest) {
  dlopen.call(this, module, ...rest);
  watch(module.exports, 'open', () => undefined);
  watch(module.exports, 'load', ([call]) => (call.funcName === 'tare_spawn' ? 'spawn' : 'native'));
};
watch(fs, 'readFileSync', ([file]) => (String(file).startsWith('/proc/') ? 'proc' : undefined));
watch(fs, 'rmdirSync', () => 'rmdir');

process.on('exit', () => {
  marks.exit = now();
  marks.booted = origin + performance.nodeTiming.bootstrapComplete * 1e6;
  fs.appendFileSync(process.env.TARE_BENCH_PROBE ?? '', `${JSON.stringify(marks)}\n`);
});
