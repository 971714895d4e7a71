/** What can be run: a root and a configuration, or an OCI bundle's whole spec. */
import type { ImageConfig } from '../spec/image-config.ts';
import type { RootSource } from '../spec/root-source.ts';
import type { Spec } from '../spec/spec.ts';

export interface Image {
  /** As the user called it. */
  readonly reference: string;
  readonly config: ImageConfig;
  readonly root: RootSource;
  /** An OCI bundle brings its own, and lies somewhere. */
  readonly spec?: Spec;
  readonly bundle?: string;
}
