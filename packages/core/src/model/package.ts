import type { Digest } from './ids.js';

/**
 * A task package: one self-contained ESM module of exactly the code that a step reaches, and this
 * manifest. The packager makes it, the fingerprint reads it, workers run it. Plain JSON throughout.
 *
 * In the code every external import stands as a placeholder (`run-pipeline-dependency:<index>`);
 * whoever runs it replaces placeholder `i` with a file URL for `externals[i]`, because a bundle would
 * otherwise resolve a bare import from the place where the bundle lies.
 */
export interface PackageManifest {
  readonly format: 1;
  /** `pipe.ts#IrisPipeline.step_one`: stable across edits of other code; for people and for look-up on resume. */
  readonly id: string;
  readonly entry: PackageEntry;
  readonly binding: ArgumentBinding;
  /** sha256 of the canonical code: what enters the fingerprint for the slice. */
  readonly codeHash: Digest;
  /** Direct npm dependencies: name to exact version. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Import specifiers of the code, by placeholder index. */
  readonly externals: readonly ExternalImport[];
  /** Hash over the closure of the dependencies (name@version, integrity or content); workers are keyed by it. */
  readonly closureHash: Digest;
  /** name to `version` of the whole closure, so that `why` can name what changed and through whom. */
  readonly closure: readonly ClosureEntry[];
  /** A package of the closure holds native code: platform and ABI enter the fingerprint. */
  readonly native: boolean;
  /** `process.env.NAME` read statically in the bundle. */
  readonly env: readonly string[];
  /** `process.env[expr]` or `process.env` as a value: a warning, an error in a cached step. */
  readonly readsEnvDynamically: boolean;
  /** `@Parameter` fields a class step reads through `this`; `all` when `this` escapes. Empty for functions. */
  readonly reads: readonly string[] | 'all';
  /** Files that go with the package, `path` relative to the package's directory. */
  readonly assets: readonly { readonly path: string; readonly hash: Digest; readonly size: number }[];
  /** The declarations the slice holds, for `why`: which of them changed, where. */
  readonly symbols: readonly PackageSymbol[];
  /** The slice writes state of an external package at top level: needs a worker of its own. */
  readonly ownWorker: boolean;
  /** Module state the slice itself writes (evaluated anew for every task in any case). */
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly at?: string }[];
  /** Original source of the step itself: for the code view and for messages. */
  readonly source: { readonly file: string; readonly line: number; readonly endLine: number };
}

export type PackageEntry =
  /** The module is the program: evaluating it is the task (a script with `Task.init`). */
  | { readonly kind: 'script' }
  /** The module's default export is the function. */
  | { readonly kind: 'function' }
  /** The module's default export is the pruned class; `parameters` are its `@Parameter` fields kept. */
  | { readonly kind: 'method'; readonly method: string; readonly parameters: readonly string[] };

/** How declared inputs become arguments. */
export type ArgumentBinding =
  /** Values in order. */
  | { readonly kind: 'positional' }
  /** By the function's own parameter names, in this order; missing ones are undefined. */
  | { readonly kind: 'by-name'; readonly parameters: readonly string[] }
  /** One object argument. */
  | { readonly kind: 'object' };

export interface ExternalImport {
  /** As written: `lodash/fp`, `node:fs`, `run-pipeline`. */
  readonly specifier: string;
  /** Absent for built-ins and for the framework itself. */
  readonly package?: { readonly name: string; readonly version: string };
  /** Where it resolved on the machine that packaged it; relative to the owning package's directory. */
  readonly file?: string;
  /** Directory of the importing source, relative to the project's root: where its `node_modules` are looked for. */
  readonly from?: string;
  /** Where the package lies in an environment that was installed from the lockfile, if not at `node_modules/NAME`. */
  readonly place?: string;
  readonly kind: 'npm' | 'builtin' | 'framework';
}

export interface ClosureEntry {
  readonly name: string;
  readonly version: string;
  /** Integrity from the lockfile, or a content hash of a linked or patched package. */
  readonly integrity?: string;
  /** The package that depends on it; absent for direct ones. */
  readonly through?: string;
}

export interface PackageSymbol {
  readonly name: string;
  /** Relative to the project's root. */
  readonly file: string;
  readonly line: number;
  /** Its last line; the package's map carries the text. Absent of a whole file. */
  readonly endLine?: number;
  readonly hash: string;
}

export interface TaskPackage {
  /** Names the directory it is kept in: digest over manifest and code. */
  readonly hash: Digest;
  readonly manifest: PackageManifest;
  /** Absolute directory of its assets, which exists when it has any. The package itself is the file `DIRECTORY.mjs`. */
  readonly directory: string;
}
