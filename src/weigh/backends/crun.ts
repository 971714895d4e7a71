import { deleteContainers, ociOffers, ociTraits, openRuntime } from '../oci-runtime.ts';
import { isRoot, needsRoot, probeProgram } from '../probe-program.ts';
import type { Backend } from '../types/backend.ts';

export const crun: Backend = {
  name: 'crun',
  title: 'crun run',
  family: 'container',
  traits: ociTraits,
  offers: ociOffers,
  probe: async () => (isRoot() ? probeProgram('crun', 'crun') : needsRoot),
  open: async (job, site) => openRuntime('crun', job, site),
  sweep: async (site) => deleteContainers('crun', site),
};
