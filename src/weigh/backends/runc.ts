import { deleteContainers, ociOffers, ociTraits, openRuntime } from '../oci-runtime.ts';
import { isRoot, needsRoot, probeProgram } from '../probe-program.ts';
import type { Backend } from '../types/backend.ts';

export const runc: Backend = {
  name: 'runc',
  title: 'runc run',
  family: 'container',
  traits: ociTraits,
  offers: ociOffers,
  probe: async () => (isRoot() ? probeProgram('runc', 'runc') : needsRoot),
  open: async (job, site) => openRuntime('runc', job, site),
  sweep: async (site) => deleteContainers('runc', site),
};
