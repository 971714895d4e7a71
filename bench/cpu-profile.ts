/** V8's own sampling profiler over many runs of one action: the tree of calls, and which file's code it was. */
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import type { Profiler } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { table } from './table.ts';

const interval = 50; // µs

/** Rows below this share of the total are left out. */
const least = 0.01;

interface Call {
  readonly name: string;
  readonly place: string;
  self: number;
  total: number;
  readonly callees: Map<string, Call>;
}

export async function takeCpuProfile(times: number, action: () => Promise<unknown>): Promise<string> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval });
  await session.post('Profiler.start');
  for (let time = 0; time < times; time += 1) await action();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const root = callTree(profile);
  const busy = [...root.callees.values()].filter(({ name }) => name !== '(idle)');
  const all = busy.reduce((sum, { total }) => sum + total, 0);
  const micro = (time: number): string => (time / times).toFixed(0);
  const tree = busy.flatMap((call) => treeRows(call, 0, all * least, micro));
  const files = [...selfByFile(root)].filter(([file, time]) => file !== '(idle)' && time >= all * least);
  return [
    table(['µs of CPU in Node, for each start', 'with callees', 'itself'], tree),
    table(
      ['the same, by file', 'itself'],
      files.sort(([, a], [, b]) => b - a).map(([file, time]) => [file, micro(time)]),
    ),
    `In all ${micro(all)} µs of CPU in Node for each start; idle ${micro(root.callees.get('(idle) ')?.total ?? 0)} µs.`,
  ].join('\n');
}

/** Calls of one function from the same caller are one node, wherever in it they were made. */
function callTree(profile: Profiler.Profile): Call {
  const place = sourcePlaces();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const times = new Map<number, number>();
  profile.samples?.forEach((id, index) => {
    times.set(id, (times.get(id) ?? 0) + (profile.timeDeltas?.[index] ?? 0));
  });
  const visit = (id: number, into: Call): number => {
    const node = nodes.get(id);
    const self = times.get(id) ?? 0;
    let total = self;
    for (const child of node?.children ?? []) {
      const { functionName = '', url = '', lineNumber = 0 } = nodes.get(child)?.callFrame ?? {};
      if (url === 'node:inspector') continue;
      const where = place(url, lineNumber);
      // ffi-rs's functions have no names; V8 then takes that of whatever symbol is next.
      const name = functionName === 'custom_gc' ? '(native code)' : functionName || '(anonymous)';
      const key = `${name} ${where}`;
      const callee = into.callees.get(key) ?? { name, place: where, self: 0, total: 0, callees: new Map() };
      into.callees.set(key, callee);
      total += visit(child, callee);
    }
    into.self += self;
    into.total += total;
    return total;
  };
  const root: Call = { name: '(root)', place: '', self: 0, total: 0, callees: new Map() };
  visit(profile.nodes[0]?.id ?? 0, root);
  return root;
}

function treeRows(call: Call, depth: number, atLeast: number, micro: (time: number) => string): string[][] {
  if (call.total < atLeast || depth > 12) return [];
  const row = [`${'  '.repeat(depth)}${call.name}  ${call.place}`.trimEnd(), micro(call.total), micro(call.self)];
  const callees = [...call.callees.values()].sort((a, b) => b.total - a.total);
  return [row, ...callees.flatMap((callee) => treeRows(callee, depth + 1, atLeast, micro))];
}

function selfByFile(root: Call): Map<string, number> {
  const files = new Map<string, number>();
  const visit = (call: Call): void => {
    const file = call.place === '' ? call.name : call.place;
    files.set(file, (files.get(file) ?? 0) + call.self);
    for (const callee of call.callees.values()) visit(callee);
  };
  visit(root);
  return files;
}

/** esbuild writes the name of each file above its code: `// src/launch/encode.ts`. */
function sourcePlaces(): (url: string, line: number) => string {
  const lines = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n');
  let file = '';
  const files = lines.map((line) => (file = /^\s*\/\/ ((?:src|bench)\/\S+\.ts)$/.exec(line)?.[1] ?? file));
  return (url, line) => (url === import.meta.url ? (files[line] ?? '') : url.replace(/^file:.*\//, ''));
}
