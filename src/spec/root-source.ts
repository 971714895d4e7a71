/** What a root is made of: paths of the host. */
export type RootSource =
  | {
      readonly kind: 'overlay';
      /** Read-only layers, topmost first. */
      readonly lower: readonly string[];
      /** A directory with `upper` and `work` in it; a tmpfs that goes with the container where absent. */
      readonly upper?: string;
    }
  | { readonly kind: 'directory'; readonly path: string };
