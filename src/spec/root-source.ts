/** An entry of a layer's topmost directory: a link, or a directory that is shown as an overlay, read-only as it is, or empty. */
export type RootPart =
  | { readonly name: string; readonly mode: number; readonly as: 'overlay' | 'bind' | 'place' }
  | { readonly name: string; readonly link: string };

/** What a root is made of: paths of the host. */
export type RootSource =
  | {
      readonly kind: 'overlay';
      /** Read-only layers, topmost first. */
      readonly lower: readonly string[];
      /** A directory with `upper` and `work` in it; a tmpfs that goes with the container where absent. */
      readonly upper?: string;
      /** Of the one layer that is: each directory becomes an overlay of its own. */
      readonly parts?: readonly RootPart[];
    }
  | { readonly kind: 'directory'; readonly path: string };
