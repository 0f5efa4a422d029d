import { join, resolve } from 'node:path';
import { RunPipelineError } from '@run-pipeline/core/model';
import { directoryBlobs } from '../artifacts/index.js';
import { evaluateModule } from '../discover/index.js';
import { ensureHome, loadConfig, resolvePaths, type Project, type ProjectPaths } from '../project/index.js';
import { openSqliteStore } from '../store/index.js';

/**
 * Opens the project that covers `cwd`: its state is made when it does not exist yet. Reads
 * `run-pipeline.config.ts` where there is one.
 */
export async function openProject(options: {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<Project> {
  return openProjectAt(resolvePaths(options), options.env);
}

/** The same where the paths are known: in a task, whose own directory may be anywhere. */
export async function openProjectAt(
  paths: ProjectPaths,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Project> {
  ensureHome(paths);
  const config = await loadConfig({
    paths,
    env,
    evaluate: (file) => evaluateModule({ paths, file }),
  });
  refuseQueue(env['RUN_PIPELINE_QUEUE']);
  const file = localPath(config.store, 'store') ?? join(paths.home, 'state.db');
  const directory = localPath(config.blobs, 'blobs') ?? join(paths.home, 'blobs');
  const blobsDirectory = resolve(paths.root, directory);
  const store = await openSqliteStore({ file: resolve(paths.root, file) });
  return {
    ...paths,
    store,
    blobs: directoryBlobs(blobsDirectory),
    blobsDirectory,
    concurrency: config.concurrency,
  };
}

/** A setting that cannot be honoured is an error: runs must not silently go elsewhere than was asked. */
function localPath(setting: string | undefined, name: string): string | undefined {
  const scheme = setting === undefined ? undefined : /^([a-z][a-z\d+.-]+):/i.exec(setting)?.[1];
  if (scheme === undefined) return setting;
  throw notHere(name, `${scheme}:`);
}

function refuseQueue(setting: string | undefined): void {
  if (setting !== undefined && setting !== '') throw notHere('queue', setting.split(':')[0] ?? setting);
}

const notHere = (name: string, what: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'no-driver',
    message: `the setting "${name}" asks for ${what}, for which this version has no driver`,
    help: 'Runs are kept in SQLite and artifacts in a directory: unset it, or give a path.',
  });
