import { evaluateModule } from '../discover/index.js';
import {
  checkSettings,
  ensureHome,
  loadConfig,
  resolvePaths,
  withheldNames,
  type Project,
  type ProjectPaths,
  type ProjectSettings,
} from '../project/index.js';
import { openBlobs, openQueue, openStore, type Env } from './drivers.js';

/**
 * Opens the project that covers `cwd`: its state is made when it does not exist yet. Reads
 * `run-pipeline.config.ts` where there is one.
 */
export async function openProject(options: { readonly cwd: string; readonly env: Env }): Promise<Project> {
  return openProjectAt(resolvePaths(options), options.env);
}

/** The same where the paths are known: in a task, whose own directory may be anywhere. */
export async function openProjectAt(paths: ProjectPaths, env: Env): Promise<Project> {
  ensureHome(paths);
  if (paths.relay !== undefined)
    return (await import('./relayed-project.js')).relayedProject(paths, paths.relay);
  return openWith(paths, await readSettings(paths, env), env);
}

/** What config file and environment say, checked. Opens nothing. */
export async function readSettings(paths: ProjectPaths, env: Env): Promise<ProjectSettings> {
  const evaluate = (file: string) => evaluateModule({ paths, file });
  return checkSettings(paths, await loadConfig({ paths, env, evaluate }));
}

/** The same with settings that were read before. */
export async function openWith(paths: ProjectPaths, settings: ProjectSettings, env: Env): Promise<Project> {
  ensureHome(paths);
  const signing = await signingOf(env);
  const bare = await openStore(settings.store, env);
  try {
    const bytes = await openBlobs(settings.blobs, { store: bare, env });
    const { queue, store } = await openQueue(settings.queue, { store: bare, env });
    return {
      ...paths,
      ...bytes,
      store,
      queue,
      fleet: settings.queue.driver !== 'embedded',
      signing,
      withheld: withheldNames(settings),
      relayed: settings.store.driver !== 'sqlite' || settings.blobs.driver !== 'directory',
      concurrency: settings.concurrency,
      async close() {
        try {
          await queue.close();
        } finally {
          await store.close();
        }
      },
    };
  } catch (error) {
    await bare.close();
    throw error;
  }
}

/** Loaded where somebody signs or asks for signatures. */
async function signingOf(env: Env): Promise<Project['signing']> {
  const isAsked = ['RUN_PIPELINE_SIGNING_KEY', 'RUN_PIPELINE_REQUIRE_SIGNATURE'].some(
    (name) => (env[name] ?? '') !== '',
  );
  if (!isAsked) return { signer: undefined, trust: undefined };
  const { readSigner, readTrust } = await import('../signing/index.js');
  return { signer: readSigner(env), trust: readTrust(env) };
}
