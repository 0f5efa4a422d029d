import type { InputNode } from '../references/reference.js';

/** The compiled counterpart of `DeclaredInputs`. */
export type ArgumentShape =
  | { readonly kind: 'none' }
  | { readonly kind: 'positional'; readonly values: readonly InputNode[] }
  | { readonly kind: 'named'; readonly values: readonly (readonly [string, InputNode])[] };
