import { join } from 'node:path';
import type { TaskPackage } from '@run-pipeline/core/model';
import { installationMark, materialisePackage, readLock } from '../../package/index.js';
import type { RunContext } from '../context.js';

/**
 * A package as it runs in this process. Its npm packages are those of the project, which it was just made
 * with. One that was made earlier, by another process — a task's, or that of a run which is resumed — may have
 * been made with others: then it gets an environment of its own, as it would on an agent. What it runs with is
 * in either case what its fingerprint says.
 */
export interface Runnable {
  readonly file: string;
  readonly sourceMap: string | undefined;
  /** Absolute path of the source that it was made of. */
  readonly program: string;
  /** Changes when something is installed where its npm packages are. */
  readonly installation: () => string;
}

type Context = Pick<RunContext, 'project' | 'environment' | 'stop' | 'onWarning'>;

/** Each is made once. */
const made = new WeakMap<TaskPackage, Promise<Runnable>>();
const earlier = new WeakSet<TaskPackage>();

/** Remembers that a package was read from where an earlier process had kept it. */
export function madeEarlier(taskPackage: TaskPackage): TaskPackage {
  earlier.add(taskPackage);
  return taskPackage;
}

export function runnable(context: Context, taskPackage: TaskPackage): Promise<Runnable> {
  const known = made.get(taskPackage);
  if (known !== undefined) return known;
  const making = make(context, taskPackage);
  made.set(taskPackage, making);
  // What could not be installed may be installed at the next attempt.
  making.catch(() => made.delete(taskPackage));
  return making;
}

async function make(context: Context, taskPackage: TaskPackage): Promise<Runnable> {
  const { project } = context;
  const { manifest } = taskPackage;
  const modules = earlier.has(taskPackage) ? await modulesOf(context, taskPackage) : undefined;
  const materialised = await materialisePackage({
    paths: project,
    package: taskPackage,
    ...(modules === undefined ? {} : { modules }),
  });
  return {
    ...materialised,
    installation: () => (modules === undefined ? installationMark(project, manifest) : ''),
  };
}

/** Undefined: the project's own. */
async function modulesOf(context: Context, { hash, manifest }: TaskPackage): Promise<string | undefined> {
  if (!manifest.externals.some(({ kind }) => kind === 'npm')) return undefined;
  const { project, environment, stop, onWarning } = context;
  const { provideEnvironment } = await import('../../environments/index.js');
  const { root, origin } = await provideEnvironment({
    cache: join(project.home, 'cache', 'environments'),
    lock: readLock(project, hash),
    manifest,
    project: project.root,
    env: environment,
    signal: stop.signal,
    onProgress: onWarning,
  });
  return origin === 'project' ? undefined : root;
}
