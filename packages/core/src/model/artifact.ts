import type { Digest } from './ids.js';

/**
 * What is recorded of an artifact: enough to find, verify and show it without reading it.
 * The same record enters events (`step.end`), `show --json` and the page.
 */
export interface ArtifactRecord {
  readonly name: string;
  /** The codec's id: `superjson`, `text`, `bytes`, `file`, `directory`, `image`, `arrow`, or a registered one. */
  readonly type: string;
  /** Of the encoded bytes. Equal content is stored once. */
  readonly hash: Digest;
  /** Bytes, encoded. */
  readonly size: number;
  /** `artifact://sha256/<hex>`: the same for the same content, wherever it is stored. */
  readonly url: string;
  /** Version of the codec that wrote it. */
  readonly codecVersion: number;
  /** A bounded, printable look at the value (at most 4 KiB), never needed to read it. */
  readonly preview?: string;
  /** ISO time at which it was produced. */
  readonly createdAt: string;
  /** What the codec wants to tell: `{ "fileName": "iris.csv" }`, `{ "rows": 150, "columns": [...] }`. */
  readonly meta?: { readonly [key: string]: unknown };
}

/** Values up to this many bytes ride in the store's transaction instead of the blob store. */
export const INLINE_LIMIT = 16 * 1024;

/**
 * An artifact whose bytes are durable, or small enough to ride along: `inline` holds them exactly
 * when `size <= INLINE_LIMIT`; otherwise the blob store already has (fsynced) the blob `hash`.
 */
export interface StoredArtifact {
  readonly record: ArtifactRecord;
  readonly inline?: Uint8Array;
}

/** What a task reports beside its returns; kept as events, belongs to the cache entry. */
export type Report =
  | {
      readonly kind: 'scalar';
      readonly title: string;
      readonly series: string;
      readonly value: number;
      readonly iteration: number;
    }
  | { readonly kind: 'single-value'; readonly name: string; readonly value: number }
  | { readonly kind: 'text'; readonly text: string; readonly title?: string }
  | {
      readonly kind: 'table';
      readonly title: string;
      readonly series: string;
      readonly iteration: number;
      readonly artifact: ArtifactRecord;
    }
  | {
      readonly kind: 'plot';
      readonly plot: 'histogram' | 'scatter' | 'confusion-matrix' | 'line' | 'custom';
      readonly title: string;
      readonly series: string;
      readonly iteration: number;
      readonly artifact: ArtifactRecord;
    }
  | {
      readonly kind: 'image' | 'media';
      readonly title: string;
      readonly series: string;
      readonly iteration: number;
      readonly artifact: ArtifactRecord;
    };
