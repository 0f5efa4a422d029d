/** Which part of an artifact, decoded on the server. */
export interface ArtifactPageQuery {
  /** The codec's id, as in its record. */
  readonly type: string;
  /** Version of the codec, as in its record. */
  readonly codecVersion: number;
  /** Of a table: first row and how many (default 100, at most 1,000), sorted by this column. */
  readonly offset?: number;
  readonly limit?: number;
  readonly sort?: string;
  readonly descending?: '1';
  /** Of a tree: which part, as JSON list of keys; its children come with it, `offset`/`limit` of them. */
  readonly path?: string;
}

export type ArtifactPage =
  | {
      readonly kind: 'table';
      readonly columns: readonly string[];
      readonly rows: readonly (readonly Cell[])[];
      readonly total: number;
    }
  | { readonly kind: 'tree'; readonly node: TreeNode; readonly total: number }
  | { readonly kind: 'text'; readonly text: string; readonly total: number }
  | { readonly kind: 'image'; readonly mime: string }
  | {
      readonly kind: 'files';
      readonly files: readonly { readonly path: string; readonly size: number }[];
      readonly total: number;
    }
  /** Nothing that can be shown: download it. */
  | { readonly kind: 'bytes'; readonly reason: string };

/** As text where it is no string, number, boolean or null. */
export type Cell = string | number | boolean | null;

export interface TreeNode {
  /** `object`, `array`, `Map`, `Date`, `string`, `Float64Array` … */
  readonly type: string;
  /** Of a leaf; cut at 10,000 characters. */
  readonly value?: Cell;
  /** Of the rest: how many entries, and those that were asked for. */
  readonly size?: number;
  readonly entries?: readonly { readonly key: string; readonly node: TreeNode }[];
}
