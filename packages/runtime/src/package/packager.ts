import type { Diagnostic, SlicedCode, TaskPackage } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';

/** One step to package. */
export interface PackageRequest {
  /** The key of the result; unique among the requests. */
  readonly key: string;
  /** What messages call the step; default: the key. */
  readonly name?: string;
  readonly code: SlicedCode;
  /** How the inputs are declared decides the binding. */
  readonly inputs:
    | { readonly kind: 'none' }
    | { readonly kind: 'positional'; readonly count: number }
    | { readonly kind: 'named'; readonly names: readonly string[] };
  /** Globs or paths relative to the source file. */
  readonly assets: readonly string[];
  /** A dynamic read of process.env is an error then. */
  readonly cached: boolean;
  /** B inlines a plain function that is also a step (with a warning); A and C refuse. */
  readonly writing: 'class' | 'controller' | 'function';
}

export interface PackageResult {
  readonly packages: ReadonlyMap<string, TaskPackage>;
  /** Errors and warnings, with places in the user's source. A step with an error has no package. */
  readonly diagnostics: readonly Diagnostic[];
  /** How many came from the memo (then neither esbuild nor acorn was loaded, if all did). */
  readonly memoised: number;
}

/**
 * Makes task packages: slice, one bundle build for all steps, dependencies, assets. Memoised on disk
 * by everything it reads (INVARIANTS 5). Written atomically to `<home>/packages/<hash>/`.
 */
export type PackageSteps = (options: {
  readonly paths: ProjectPaths;
  readonly requests: readonly PackageRequest[];
  /** Called before packages are made that no memo has, with their number. */
  readonly onMissing?: (count: number) => void;
}) => Promise<PackageResult>;

/**
 * Makes a package runnable on this machine: returns the path of its module, or of a copy whose placeholders
 * are file URLs (npm packages resolved from the project, the framework from this installation).
 */
export type MaterialisePackage = (options: {
  readonly paths: ProjectPaths;
  readonly package: TaskPackage;
  /**
   * A directory whose `node_modules` is used instead of the project's: an environment (`environments/`).
   * Nothing above it is looked at.
   */
  readonly modules?: string;
}) => Promise<{
  readonly file: string;
  readonly sourceMap: string | undefined;
  /** What `import.meta.filename` of the source file stands for: a script expects it in `process.argv[1]`. */
  readonly program: string;
}>;
