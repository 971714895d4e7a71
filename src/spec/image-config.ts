/**
 * What an image says of the containers made from it: the part of the OCI image-spec's configuration (config.md,
 * "Properties") that a spec is made of. Ours in lower case, the image's file in Go's.
 */
export interface ImageConfig {
  /** `NAME=value`. */
  env?: readonly string[];
  entrypoint?: readonly string[];
  /** Arguments of the entry point, or the command where there is none. */
  cmd?: readonly string[];
  /** Absolute; `/` where absent or empty. */
  workingDir?: string;
  /** `name|uid[:group|gid]`. */
  user?: string;
  labels?: Readonly<Record<string, string>>;
  /** Directories that are meant to be volumes. */
  volumes?: readonly string[];
  /** Such as `SIGTERM`. */
  stopSignal?: string;
}
