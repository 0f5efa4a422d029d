import type { PackageManifest } from '@run-pipeline/core/model';

/**
 * Where the npm dependencies of a task package are installed, on a machine that has not got the
 * project: in a directory of the environment cache, named by what is installed and for which platform.
 * `npm ci --ignore-scripts` on the package's own lockfile, with this machine's registry settings and no
 * secrets of tasks. Present: nothing is asked of the network. Two processes that want the same one
 * install it once. What was not installed completely is never used.
 */
export type ProvideEnvironment = (options: {
  /** `<cache>/<key>/node_modules/…`; made when it does not exist. */
  readonly cache: string;
  /** Text of the package's `lock.json`; undefined: it has no npm dependencies. */
  readonly lock: string | undefined;
  readonly manifest: PackageManifest;
  /** A project whose own installation is used when it holds exactly what the lock says. */
  readonly project: string | undefined;
  /** npm's own settings (registry, proxy, certificates) are taken from here, nothing else. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** One line of progress for people: `installing 3 npm packages`. */
  readonly onProgress: (line: string) => void;
}) => Promise<Environment>;

export interface Environment {
  /** The directory whose `node_modules` holds what the package imports. */
  readonly root: string;
}
