import { expect, test } from 'vitest';
import { adapt } from '../../../src/oci/adapt.ts';

const user = { uid: 0, gid: 0 };
const grantable = new Set(['CAP_KILL', 'CAP_CHOWN']);

function adapted(document: unknown): { document: unknown; warnings: string[] } {
  const warnings: string[] = [];
  return { document: adapt(document, grantable, (text) => warnings.push(text)), warnings };
}

test('capabilities that cannot be granted are left out with a warning', () => {
  const capabilities = { bounding: ['CAP_KILL', 'CAP_SYS_ADMIN', 'CAP_OF_TOMORROW'] };
  expect(adapted({ process: { user, capabilities } })).toEqual({
    document: { process: { user, capabilities: { bounding: ['CAP_KILL'] } } },
    warnings: [
      'the capability CAP_SYS_ADMIN cannot be granted here: left out',
      'the capability CAP_OF_TOMORROW is unknown: left out',
    ],
  });
});

test('what `runc spec` writes has ambient capabilities that cannot be', () => {
  const capabilities = { effective: ['CAP_KILL'], permitted: ['CAP_KILL'], ambient: ['CAP_KILL'], inheritable: [] };
  expect(adapted({ process: { user, capabilities } }).document).toEqual({
    process: { user, capabilities: { effective: ['CAP_KILL'], permitted: ['CAP_KILL'], ambient: [], inheritable: [] } },
  });
});

test('a process of no user is of root, as in Go', () => {
  expect(adapted({ process: { args: ['true'] } }).document).toEqual({ process: { args: ['true'], user } });
});

test("engines' own spellings become the spec's", () => {
  const linux = {
    rootfsPropagation: 'rslave',
    devices: [{ path: '/dev/null', fileMode: 0o20666 }],
    resources: { pids: { limit: -1 }, memory: {}, cpu: { shares: 1024 } },
  };
  expect(adapted({ linux, process: { user: { uid: 1, username: 'alice' } } }).document).toEqual({
    linux: {
      rootfsPropagation: 'slave',
      devices: [{ path: '/dev/null', fileMode: 0o666 }],
      resources: { memory: {}, cpu: {} },
    },
    process: { user: { uid: 1 } },
  });
});

test.each([null, 'text', 7, [], { process: 'text', linux: 7 }])('%j is for the checks to refuse', (document) => {
  expect(adapted(document).document).toEqual(document);
});
