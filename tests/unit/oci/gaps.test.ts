import { expect, test } from 'vitest';
import { findGaps } from '../../../src/oci/gaps.ts';
import { withStandIns, wordsBehind } from '../../../src/oci/stand-ins.ts';

const id = '4f3c2b1a9d8e';

const document = {
  ociVersion: '1.2.0',
  process: {
    terminal: false,
    args: ['sh', '-c', 'echo "quoted"', 'plain'],
    env: ['PATH=/bin', `HOSTNAME=${id}`, 'EMPTY=', 'nothing'],
    cwd: '/home',
  },
  root: { path: `/var/lib/engine/${id}/merged` },
  hostname: id,
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/etc/hosts', type: 'bind', source: `/var/lib/engine/${id}/hosts`, options: ['rbind'] },
    { destination: '/host/proc', type: 'bind', source: '/proc', options: ['rbind'] },
    { destination: '/data', source: '/srv/../data', options: ['rbind', 'ro'] },
  ],
  annotations: { 'engine.name': 'a "b" }' },
  hooks: { prestart: [{ path: '/proc/7/exe', args: ['setkey', id] }] },
  linux: {
    cgroupsPath: `/engine/pod${id}/${id}`,
    namespaces: [{ type: 'pid' }, { type: 'network', path: '/proc/99/ns/net' }],
    maskedPaths: ['/proc/kcore'],
  },
};

const show = (text: string) => findGaps(text).map(({ kind, at, end }) => `${kind} ${text.slice(at, end)}`);

test('gaps are words that name something, and none that decides', () => {
  expect(show(JSON.stringify(document))).toEqual([
    'command sh',
    'word -c',
    'word plain',
    `variable HOSTNAME=${id}`,
    'variable EMPTY=',
    `path /var/lib/engine/${id}/merged`,
    `name ${id}`,
    `path /var/lib/engine/${id}/hosts`,
    'json {"engine.name":"a \\"b\\" }"}',
    'word setkey',
    `word ${id}`,
    `name pod${id}`,
    `name ${id}`,
    'file /proc/99/ns/net',
  ]);
});

test('how the text is laid out does not matter, nor in which order it comes', () => {
  const { linux, process, ...rest } = document;
  const turned = JSON.stringify({ linux, ...rest, process }, undefined, 2);
  expect(
    show(turned)
      .filter((gap) => !gap.startsWith('json'))
      .sort(),
  ).toEqual(
    show(JSON.stringify(document))
      .filter((gap) => !gap.startsWith('json'))
      .sort(),
  );
});

test.each([{ a: [] }, [], {}, [[{}]], { hostname: 7 }, { root: {}, hostname: '' }, { annotations: {} }])(
  'of any JSON: %j',
  (value) => {
    const text = JSON.stringify(value);
    expect(withStandIns(text, findGaps(text)).length).toBeGreaterThanOrEqual(text.length);
    expect(findGaps(text).every(({ kind }) => kind === 'json')).toBe(true);
  },
);

test('stand-ins are of the kind of what they stand for, and can be told', () => {
  const text = JSON.stringify({ ...document, hostname: 'näme' });
  const bytes = Buffer.from(text).toString('latin1');
  const gaps = findGaps(bytes);
  const other = JSON.parse(Buffer.from(withStandIns(bytes, gaps), 'latin1').toString()) as typeof document;
  expect(other.hostname).toBe('näme');
  expect(other.linux.maskedPaths).toEqual(document.linux.maskedPaths);
  expect(other.root.path).toMatch(/^\/tare-\d+-x+$/);
  expect(other.process.args[0]).not.toContain('/');
  const reveal = wordsBehind(bytes, gaps, '/b');
  expect(reveal(other.root.path)).toBe(document.root.path);
  expect(reveal(`${other.mounts[1]?.source}/below`)).toBe(`/var/lib/engine/${id}/hosts/below`);
  expect(other.mounts[2]?.source).toBe('/proc');
});
