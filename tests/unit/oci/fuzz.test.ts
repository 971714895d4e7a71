/** Ten thousand documents: each is refused in words, or compiled. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TareError } from '../../../src/errors.ts';
import { bundleOf } from '../../../src/image/resolve.ts';
import { compile } from '../../../src/launch/compile.ts';
import { encode } from '../../../src/launch/encode.ts';
import { adapt } from '../../../src/oci/adapt.ts';
import { findGaps } from '../../../src/oci/gaps.ts';
import { withStandIns } from '../../../src/oci/stand-ins.ts';
import { capabilityNames } from '../../../src/spec/capability-names.ts';
import { facts } from '../launch/examples.ts';
import { documents } from './documents.ts';

const grantable = new Set<string>(capabilityNames.slice(0, 30));

const make = (document: unknown): 'refused' | 'compiled' => {
  try {
    const { spec, root } = bundleOf(
      '/bundle',
      adapt(document, grantable, () => {}),
    );
    const { program } = compile(spec, { ...facts, root: { kind: 'directory', path: root } });
    encode(program, { arch: 'x64' });
    return 'compiled';
  } catch (error) {
    if (!(error instanceof TareError)) throw error;
    expect(error.message).toMatch(/\S/);
    return 'refused';
  }
};

test('a document is refused in words, or it makes a program', { timeout: 120_000 }, () => {
  const came = { refused: 0, compiled: 0 };
  fc.assert(
    fc.property(documents, (document) => {
      came[make(document)] += 1;
    }),
    { numRuns: 10_000 },
  );
  // Neither comes so seldom that the other is all there is to see.
  expect(Math.min(came.refused, came.compiled)).toBeGreaterThan(500);
});

test('whatever a document is, one with stand-ins is a document of the same form', () => {
  const form = (value: unknown): unknown =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, form(item)]))
      : typeof value;
  fc.assert(
    fc.property(documents, (document) => {
      const { annotations: _, ...rest } = Object(document) as Record<string, unknown>;
      const text = Buffer.from(JSON.stringify(rest)).toString('latin1');
      const other: unknown = JSON.parse(Buffer.from(withStandIns(text, findGaps(text)), 'latin1').toString());
      expect(form(other)).toEqual(form(rest));
    }),
    { numRuns: 2000 },
  );
});
