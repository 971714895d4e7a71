import type { Problem } from '../problem.ts';
import { problem } from '../problem.ts';
import { checkSeccomp } from '../seccomp-check.ts';
import { check } from './check.ts';

const withoutNodes = new Set(['MPOL_DEFAULT', 'MPOL_LOCAL']);
/** MPOL_PREFERRED without nodes is MPOL_LOCAL. */
const withNodes = new Set(['MPOL_BIND', 'MPOL_INTERLEAVE', 'MPOL_WEIGHTED_INTERLEAVE', 'MPOL_PREFERRED_MANY']);

export const linuxChecks = [
  check('the seccomp profile holds together ("Seccomp")', '/linux/seccomp', ({ linux }) => {
    const found: Problem[] = [];
    if (linux?.seccomp !== undefined) checkSeccomp(linux.seccomp, '/linux/seccomp', (each) => found.push(each));
    return found;
  }),
  check(
    'a memory policy has the nodes that its mode needs (set_mempolicy(2))',
    '/linux/memoryPolicy/nodes',
    function* ({ linux }) {
      const { mode, nodes = '' } = linux?.memoryPolicy ?? {};
      if (mode === undefined) return;
      const where = '/linux/memoryPolicy/nodes';
      if (withoutNodes.has(mode) && nodes !== '') yield problem(where, `must be left out for ${mode}`);
      if (withNodes.has(mode) && nodes === '') yield problem(where, `must list at least one node for ${mode}`);
    },
  ),
  check('no flag of a personality is defined yet ("Personality")', '/linux/personality/flags', function* ({ linux }) {
    if ((linux?.personality?.flags?.length ?? 0) === 0) return;
    yield problem('/linux/personality/flags', 'must be empty: the spec defines none');
  }),
];
