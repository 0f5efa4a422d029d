import type { DeclaredPipeline } from '@run-pipeline/core/define';
import type { SourceLocation } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';

/** A pipeline found in the user's file. */
export interface Candidate extends DeclaredPipeline {
  /** Export under which the file offers it; undefined for a controller it only constructed. */
  readonly exportName: string | undefined;
}

export interface LoadedFile {
  /** Absolute path of the user's file. */
  readonly file: string;
  readonly candidates: readonly Candidate[];
  /**
   * The evaluated JavaScript (user's modules in one bundle, npm imports as placeholders): what is kept
   * so that a run can be resumed by the same controller, and evaluated again by `loadBundle`.
   */
  readonly bundle: { readonly code: string; readonly map: string; readonly externals: readonly unknown[] };
}

/**
 * Evaluates a user's TypeScript file: transformed (or taken from the cache by the hash of everything it
 * reads), imported, and its pipelines collected: exports first, then controllers it constructed.
 * A file whose evaluation throws, or that does not parse, is a `load` error with a code frame.
 * `onStart` receives `pipe.start()` and `run(…)` calls that the file itself makes.
 */
export type LoadFile = (options: { readonly paths: ProjectPaths; readonly file: string }) => Promise<LoadedFile>;

/** Maps a place in an executed file to the user's own source: the loader's maps, `sourceMappingURL`, Node's. */
export type MapToSource = (place: SourceLocation) => SourceLocation;
