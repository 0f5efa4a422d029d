import type { PackageManifest } from '@run-pipeline/core/model';

/**
 * Where the npm dependencies of a task package are installed, on a machine that has not got the
 * project: in a directory of the environment cache, named by what is installed and for which platform.
 * `npm ci --ignore-scripts` on the package's own lockfile, with this machine's registry settings and no
 * secrets of tasks. Present: nothing is asked of the network. Two processes that want the same one
 * install it once. What was not installed completely is never used.
 *
 * @throws RunPipelineError of kind `load`: `environment-install` when npm fails, `environment-source`
 * when the package depends on what no registry has (patched, edited or packed locally). The reason of
 * `signal` when that aborts.
 */
export type ProvideEnvironment = (options: EnvironmentRequest) => Promise<Environment>;

/** What is known of the npm packages of some code. */
export type PackagedImports = Pick<PackageManifest, 'externals' | 'closure' | 'closureHash'>;

export interface EnvironmentRequest {
  /** `<cache>/<key>/node_modules/…`; made when it does not exist. */
  readonly cache: string;
  /** Text of the package's `lock.json`; undefined: it has no npm dependencies. */
  readonly lock: string | undefined;
  readonly manifest: PackagedImports;
  /** A project whose own installation is used when it holds exactly what the lock says. */
  readonly project: string | undefined;
  /**
   * npm's own settings (registry, proxy, certificates) are taken from here, nothing else, and
   * `RUN_PIPELINE_ALLOW_SCRIPTS`: names of packages, with commas, whose install scripts may run.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** One line of progress for people: `installing 3 npm packages`. */
  readonly onProgress: (line: string) => void;
}

export interface Environment {
  /** The directory whose `node_modules` holds what the package imports. */
  readonly root: string;
  /**
   * `project`: its installation may change while a task runs, so take `installationMark` of it before and
   * after, as for tasks that run in the project. `cache`: it never changes.
   */
  readonly origin: 'cache' | 'project';
}
