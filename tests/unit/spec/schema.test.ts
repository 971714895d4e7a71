/**
 * What the OCI's own JSON schema rejects, `validate` rejects. The schema is Debian's, of an older 1.x: what newer
 * versions allow beyond it is taken out before it is asked.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { validate } from '../../../src/spec/validate.ts';
import { told } from './examples.ts';
import { everything } from './everything.ts';

const directory = '/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema';
const parts = ['linux', 'solaris', 'windows', 'vm', 'zos'];
const files = ['defs', ...parts.flatMap((part) => [`defs-${part}`, `config-${part}`]), 'config-schema'];
// Where a skip hides a broken machine, the tests run and fail for want of the files.
const installed = existsSync(join(directory, 'config-schema.json')) || process.env.TARE_MUST_RUN === '1';

if (!installed) {
  process.stderr.write('skipped: the OCI schema is not here: apt-get install golang-github-opencontainers-specs-dev\n');
}

/** Draft 4 and what Ajv reads agree on all that these files use. */
function schema(): (value: unknown) => boolean {
  const ajv = new Ajv({ strict: false, logger: false });
  for (const file of files.filter((each) => existsSync(join(directory, `${each}.json`)))) {
    const { $schema: _, ...rest } = JSON.parse(readFileSync(join(directory, `${file}.json`), 'utf8')) as object & {
      $schema?: string;
    };
    ajv.addSchema(rest, `${file}.json`);
  }
  const compiled = ajv.getSchema('config-schema.json');
  if (compiled === undefined) throw new Error('the OCI schema did not compile');
  return (value) => compiled(value) === true;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without what came after the schema: 1.1's time namespace, 1.3's optional limit of pids. */
function older(document: unknown): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(document));
  const linux = isObject(copy) ? copy.linux : undefined;
  if (!isObject(linux)) return copy;
  if (Array.isArray(linux.namespaces)) {
    linux.namespaces = linux.namespaces.filter((each) => !(isObject(each) && each.type === 'time'));
  }
  const pids = isObject(linux.resources) ? linux.resources.pids : undefined;
  if (isObject(pids)) pids.limit ??= 0;
  return copy;
}

type Place = readonly (string | number)[];

/** Every place in a document but the whole of it. */
function places(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([name, each]) => [[...at, name], ...places(each, [...at, name])]);
}

/** A copy with another value at a place; without it where the value is undefined. */
function changed(document: unknown, [name, ...rest]: Place, value: unknown): unknown {
  if (name === undefined) return value;
  if (Array.isArray(document)) {
    return document.flatMap((each: unknown, index): unknown[] => {
      if (index !== name) return [each];
      return rest.length === 0 && value === undefined ? [] : [changed(each, rest, value)];
    });
  }
  if (!isObject(document)) return document;
  const entries = Object.entries(document).flatMap(([key, each]): [string, unknown][] => {
    if (key !== name) return [[key, each]];
    return rest.length === 0 && value === undefined ? [] : [[key, changed(each, rest, value)]];
  });
  return Object.fromEntries(entries);
}

/** Thousands of documents, perhaps on a busy machine. */
const patience = 60_000;

const spec: unknown = everything;
const oddities: unknown[] = [undefined, null, true, '', 'x', -1, 0.5, 2 ** 32, 2 ** 65, [], {}, [1], ['x']];

test('the spec that is to be spoilt is a good one', () => {
  expect(told(validate(everything))).toBe('');
});

test.runIf(installed)('it is good to the schema as well', () => {
  expect(schema()(older(spec))).toBe(true);
});

test.runIf(installed)(
  'with any one value spoilt, what the schema rejects is rejected',
  () => {
    const accepts = schema();
    const spoilt = places(spec).flatMap((place) =>
      oddities.map((oddity) => ({
        what: `/${place.join('/')} = ${JSON.stringify(oddity)}`,
        to: changed(spec, place, oddity),
      })),
    );
    const rejected = spoilt.filter(({ to }) => !accepts(older(to)));
    expect(rejected.filter(({ to }) => validate(to).length === 0).map(({ what }) => what)).toEqual([]);
    expect(rejected.length).toBeGreaterThan(spoilt.length / 2);
  },
  patience,
);

test.runIf(installed)(
  'with values of anywhere put anywhere, what the schema rejects is rejected',
  () => {
    const accepts = schema();
    const everywhere = places(spec);
    const found = (place: Place): unknown =>
      place.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], spec);
    const value = fc.oneof(
      fc.constantFrom(...everywhere.map(found)),
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(...oddities),
    );
    const mutations = fc.array(fc.tuple(fc.constantFrom(...everywhere), value), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(mutations, (steps) => {
        const spoilt = steps.reduce((document, [place, json]) => changed(document, place, json), spec);
        fc.pre(!accepts(older(spoilt)));
        expect(validate(spoilt)).not.toEqual([]);
      }),
      { numRuns: 500 },
    );
  },
  patience,
);

test('nothing makes validation itself fail', () => {
  const everywhere = places(spec);
  const mutation = fc.tuple(fc.constantFrom(...everywhere), fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 6 }), (steps) => {
      const spoilt = steps.reduce((document, [place, json]) => changed(document, place, json), spec);
      for (const { pointer, must } of validate(spoilt)) {
        expect(pointer).toMatch(/^(\/|$)/);
        expect(must).not.toBe('');
      }
    }),
  );
});
