import type { ArtifactPage } from '@run-pipeline/core/wire';
import type { ValueQuery } from './page-of-value.js';

/** What the thread that decodes artifacts is asked. */
export interface PageRequest {
  readonly id: number;
  readonly hash: string;
  readonly type: string;
  readonly codecVersion: number;
  readonly fileName: string | undefined;
  readonly mime: string | undefined;
  readonly asText: boolean;
  /** The verified content: a local file, or the bytes of a small value. */
  readonly content: { readonly path: string } | { readonly bytes: Uint8Array };
  readonly size: number;
  readonly query: ValueQuery;
}

export type PageAnswer =
  { readonly id: number; readonly page: ArtifactPage } | { readonly id: number; readonly error: string };
