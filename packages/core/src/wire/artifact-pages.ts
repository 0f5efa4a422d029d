/** Which part of an artifact, decoded on the server. */
export interface ArtifactPageQuery {
  /** The codec's id, as in its record. */
  readonly type: string;
  /** Version of the codec, as in its record. */
  readonly codecVersion: number;
  /** Of a `file`: `meta.fileName`; its ending tells a table (`.csv`, `.tsv`) or a tree (`.json`) from text. */
  readonly fileName?: string;
  /** Of an `image`: `meta.mime`. */
  readonly mime?: string;
  /** `tree`: also where a table could be shown. `text`: what a file holds, as it is. */
  readonly as?: 'tree' | 'text';
  /** First row, entry, line or file, and how many (default 100, at most 1,000). */
  readonly offset?: number;
  readonly limit?: number;
  /** Of a table: sorted by this column. */
  readonly sort?: string;
  readonly descending?: '1';
  /**
   * Which part, as a JSON list of `key`s: of a tree; the row and the column of a table's cell; of a
   * directory, one key: the path of a file in it.
   */
  readonly path?: string;
}

export type ArtifactPage =
  | {
      readonly kind: 'table';
      readonly columns: readonly string[];
      /** `index`: its place in the value, whatever it is sorted by. */
      readonly rows: readonly { readonly index: number; readonly cells: readonly Cell[] }[];
      readonly total: number;
    }
  /** `total`: entries of the node. */
  | { readonly kind: 'tree'; readonly node: TreeNode; readonly total: number }
  /** Lines from `offset` on, joined; `total`: lines that there are. */
  | { readonly kind: 'text'; readonly text: string; readonly total: number }
  /** Its bytes can be shown by an `<img>` (`?inline=1`; with `&path=` the file of a directory). */
  | { readonly kind: 'image'; readonly mime: string }
  /** The same for `<audio>` and `<video>`: `audio/…`, `video/…`. */
  | { readonly kind: 'media'; readonly mime: string }
  /** An HTML document, for a frame (`?inline=document`) in which it runs and loads nothing. */
  | { readonly kind: 'document' }
  | {
      readonly kind: 'files';
      readonly files: readonly { readonly path: string; readonly size: number }[];
      readonly total: number;
    }
  /** Nothing that can be shown: download it. */
  | { readonly kind: 'bytes'; readonly reason: string };

/** As text (cut at 300 characters) where it is no number, boolean or null: then it can be opened as a tree. */
export type Cell = string | number | boolean | null;

export interface TreeNode {
  /** `object`, `array`, `Map`, `Date`, `string`, `Float64Array` … */
  readonly type: string;
  /** Of a leaf; cut at 10,000 characters, `size` then tells how many there are. */
  readonly value?: Cell;
  /** Of the rest: how many entries, and those that were asked for. Children that are no leaves come without theirs. */
  readonly size?: number;
  readonly entries?: readonly {
    /** Names it in a path. */
    readonly key: string;
    /** What to show instead: the key of a Map, which can be anything. */
    readonly label?: string;
    readonly node: TreeNode;
  }[];
}
