import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { acquireLock, type ExclusiveLock } from '../project/exclusive-lock.js';
import { isGroupAlive, processIdentity } from '../project/process-identity.js';
import {
  environmentDirectory,
  finishEnvironment,
  unfinishedName,
  useEnvironment,
} from './environment-directory.js';
import { environmentKey, thisPlatform } from './environment-key.js';
import { readLock, type EnvironmentLock } from './environment-lock.js';
import type { EnvironmentRequest, ProvideEnvironment } from './environment.js';
import { installEnvironment } from './install-environment.js';
import { ALLOW_SCRIPTS, installScripts } from './install-scripts.js';
import { describePackages } from './packages-text.js';
import { projectHolds } from './project-installation.js';
import { checkSources, checkContents } from './registry-content.js';

/** Where packages without dependencies run: nothing can be found from there. */
const EMPTY = 'empty';

export const provideEnvironment: ProvideEnvironment = async (request) => {
  const { cache, project, manifest, signal } = request;
  signal.throwIfAborted();
  if (request.lock === undefined) {
    const root = join(cache, EMPTY);
    await mkdir(root, { recursive: true });
    return { root, origin: 'cache' };
  }
  if (project !== undefined && (await projectHolds({ project, manifest, cache }))) {
    return { root: project, origin: 'project' };
  }
  const lock = readLock(request.lock);
  checkSources(lock, manifest);
  const scripts = installScripts(lock, request.env);
  const key = environmentKey({ lock: lock.text, scripts: scripts.allowed, platform: thisPlatform() });
  const root = environmentDirectory(cache, key);
  if (!(await useEnvironment(root))) {
    await installOnce({ request, lock, key, root, scripts: scripts.allowed });
    if (scripts.withheld.length > 0) {
      request.onProgress(
        `install scripts of ${scripts.withheld.join(', ')} did not run (${ALLOW_SCRIPTS}=${scripts.withheld.join(',')} allows them)`,
      );
    }
  }
  await checkContents({ root, lock, manifest, scripts: scripts.allowed });
  return { root, origin: 'cache' };
};

/** What an installer that dies leaves behind. */
export interface Leftovers {
  /** npm, which has a process group of its own. */
  readonly npm?: ProcessIdentity;
  /** The directory it installs into. */
  readonly unfinished: string;
}

interface Wanted {
  readonly request: EnvironmentRequest;
  readonly lock: EnvironmentLock;
  readonly key: string;
  readonly root: string;
  readonly scripts: readonly string[];
}

/** Whoever comes while another process installs the same waits for it. */
async function installOnce(wanted: Wanted): Promise<void> {
  const { request, lock, key, root } = wanted;
  const { cache, signal, onProgress } = request;
  await mkdir(cache, { recursive: true });
  const held = await acquireLock<Leftovers>({
    directory: cache,
    key,
    holder: processIdentity(),
    isDone: async () => useEnvironment(root),
    onWait: () => onProgress(`another process installs ${describePackages(lock).text}: waiting for it`),
    onTakeOver: clearUp,
    signal,
  });
  if (held === undefined) return;
  try {
    await install(wanted, held);
  } catch (error) {
    await held.release();
    throw error;
  }
  await held.finish();
}

async function install(
  { request, lock, key, root, scripts }: Wanted,
  held: ExclusiveLock<Leftovers>,
): Promise<void> {
  const unfinished = unfinishedName(request.cache, key);
  try {
    await held.note({ unfinished });
    await installEnvironment({
      request,
      lock,
      scripts,
      directory: unfinished,
      onNpm: async (npm) => held.note({ unfinished, npm }),
    });
    await finishEnvironment({
      unfinished,
      directory: root,
      facts: { version: 1, installedAt: new Date().toISOString(), scripts, dependencies: lock.dependencies },
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What a process that died while it installed left running, and lying about. */
async function clearUp({ npm, unfinished }: Leftovers): Promise<void> {
  if (npm?.processGroup !== undefined && isGroupAlive(npm)) {
    try {
      process.kill(-npm.processGroup, 'SIGKILL');
    } catch {
      // it ended just now
    }
  }
  await rm(unfinished, { recursive: true, force: true, maxRetries: 5 });
}
