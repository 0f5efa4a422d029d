import type { RerunPreview, RerunRequest, RunForm } from '@run-pipeline/core/wire';

/**
 * What can only be answered by evaluating the user's file. It is asked of a process of its own: the file
 * may print, throw where nobody awaits it, never end, or change what this server relies on.
 */
export type Question =
  | { readonly kind: 'form'; readonly run: string }
  | { readonly kind: 'preview'; readonly run: string; readonly request: RerunRequest };

export type Answer =
  | { readonly kind: 'form'; readonly form: RunForm }
  /** Without the command line, which the server knows itself. */
  | { readonly kind: 'preview'; readonly preview: Omit<RerunPreview, 'command'> }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly help?: string };
