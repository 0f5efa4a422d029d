import type { DeclaredPipeline, PipelineTasks, Run, RunHost, RunOptions } from '@run-pipeline/core/define';
import type {
  ClosureEntry,
  Digest,
  ExternalImport,
  RunEvent,
  SourceLocation,
} from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';

/** A pipeline found in the user's file. */
export interface Candidate extends DeclaredPipeline {
  /** Export under which the file offers it; undefined for a controller it only constructed. */
  readonly exportName: string | undefined;
}

/** The evaluated JavaScript of a user's file, as kept with a run. Plain JSON. */
export interface SourceBundle {
  /** ESM; npm imports stand as placeholders `run-pipeline-external:<id>`, places of modules as `run-pipeline-module:<id>`. */
  readonly code: string;
  /** Source map of `code`; its sources are absolute paths. */
  readonly map: string;
  /** What the placeholders stand for. */
  readonly externals: readonly BundleExternal[];
  /** Modules that ask where they lie (`import.meta`, `__dirname`), by absolute path; an older bundle says it in its code. */
  readonly modules?: readonly { readonly id: string; readonly file: string }[] | undefined;
  /**
   * Names of steps that are named after their variables, by the place of the call in `code`
   * (`line:column`): on resume the source may be another, the names may not.
   */
  readonly variables?: Readonly<Record<string, string>>;
  readonly portable?: PortableBundle;
}

/**
 * What a bundle needs on a machine that has nothing of the project. It is found out when a controller is left
 * to agents; a run that stays here does not pay for it.
 */
export interface PortableBundle {
  /** The project's root where the bundle was made. */
  readonly root: string;
  /** npm imports, by the ids of their externals. */
  readonly imports: readonly (readonly [id: string, external: ExternalImport])[];
  /** Of all that they depend on. */
  readonly closure: readonly ClosureEntry[];
  readonly closureHash: Digest;
  /** Shaped as package-lock.json; absent without npm imports. */
  readonly lock?: string;
}

/** Where what a bundle imports and asks for is on this machine. */
export interface BundlePlace {
  /** Absolute paths of npm imports, by the ids of their externals. */
  readonly files: ReadonlyMap<string, string>;
  /** What a module is told of its own place, given the absolute path that it had. */
  readonly moduleFile: (file: string) => string;
}

export interface BundleExternal {
  readonly id: string;
  /** As written: `lodash/fp`, `run-pipeline`. */
  readonly specifier: string;
  /** The user's module that imports it: where it is resolved from. */
  readonly importer: string;
  /** `import` takes a URL and import conditions, `require` a path and require conditions. */
  readonly kind: 'import' | 'require';
  /** Absolute path it resolved to; absent for the framework, which is always the running one. */
  readonly file?: string;
}

export interface LoadedFile {
  /** Absolute path of the user's file. */
  readonly file: string;
  /**
   * Exports first, then controllers the file constructed, then what it started itself. Positions in
   * their definitions are mapped to the user's source.
   */
  readonly candidates: readonly Candidate[];
  /**
   * The evaluated JavaScript (user's modules in one bundle, npm imports as placeholders): what is kept
   * so that a run can be resumed by the same controller, and evaluated again by `loadBundle`.
   */
  readonly bundle: SourceBundle;
  /** What the file saw as its arguments (`process.argv` from index 2 on). */
  readonly argv?: readonly string[];
  /** `pipe.start()` and `run(…)` calls that the file made so far, in order. */
  readonly starts: readonly SelfStart[];
}

/** A start that the user's file made itself. */
export interface SelfStart {
  readonly candidate: Candidate;
  readonly options: RunOptions;
}

/**
 * Performs a start that the user's file makes while it is evaluated; the file goes on when it settles.
 * `loaded` is what is known at that moment: its candidates begin with the started one.
 */
export type OnStart = (
  subject: object,
  options: RunOptions,
  loaded: LoadedFile,
  /** Told every event of the run. */
  observer: ((event: RunEvent) => void) | undefined,
) => Promise<Run>;

export interface LoadOptions {
  readonly paths: ProjectPaths;
  /** Absolute, or relative to `paths.cwd`. */
  readonly file: string;
  /** Left out (plan, check, graph): starts are recorded and never settle. */
  readonly onStart?: OnStart;
  /** `process.argv` from index 2 on, as the file sees it. Default: empty. */
  readonly argv?: readonly string[];
  /**
   * Without `onStart`: serves runs and drafts that do not come from the file's own evaluation but from
   * bodies and callbacks, later.
   */
  readonly later?: RunHost;
  /** What `createDraft()` and the like come to; default: recorded as starts are, they never settle. */
  readonly pipelines?: PipelineTasks;
  /** Finds the framework's own modules; default: this installation. */
  readonly framework?: ResolveFramework;
}

/** The URL of `run-pipeline`, `@run-pipeline/core` or a subpath of it; undefined when there is none such. */
export type ResolveFramework = (specifier: string) => string | undefined;

/**
 * Evaluates a user's TypeScript file: transformed (or taken from the cache by the hash of everything it
 * reads), imported, and its pipelines collected: exports first, then controllers it constructed.
 * A file whose evaluation throws, or that does not parse, is a `load` error with a code frame.
 * `onStart` receives `pipe.start()` and `run(…)` calls that the file itself makes.
 */
export type LoadFile = (options: LoadOptions) => Promise<LoadedFile>;

/**
 * Evaluates a stored bundle again (resume): the same candidates as when it was loaded. What the file starts or
 * drafts itself is not done again; other runs (of bodies, callbacks) go to the host that was set before.
 */
export type LoadBundle = (options: {
  readonly paths: ProjectPaths;
  readonly bundle: SourceBundle;
  /** The user's file, as it was. */
  readonly file: string;
  readonly argv?: readonly string[];
  readonly framework?: ResolveFramework;
  /** Default: everything is where it was. */
  readonly place?: BundlePlace | undefined;
}) => Promise<LoadedFile>;

/** Maps a place in an executed file to the user's own source: the loader's maps, `sourceMappingURL`, Node's. */
export interface MapToSource {
  (place: SourceLocation): SourceLocation;
  /** The text of a source file that a place was mapped to, where the map carries it. */
  readonly textOf?: (file: string) => string | undefined;
}
