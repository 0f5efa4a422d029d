import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RunPipelineError } from '@run-pipeline/core/model';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import type { ProjectPaths } from '../project/index.js';
import { isAlive, processIdentity } from '../project/process-identity.js';
import { findRunningServer, settingsOf, type NotedServer } from './running-server.js';

/** Without an open page for so long, a server in the background ends: the next `--ui` starts another. */
const IDLE_MS = 60 * 60 * 1000;
const PATIENCE_MS = 20_000;
const LOOK_MS = 50;
const LOG = 'page-server.log';
const LOCK = 'page-server.lock';

/** Milliseconds that a server started by `startInBackground` stays without an open page. */
export const IDLE_VARIABLE = 'RUN_PIPELINE_UI_IDLE_MS';

interface BackgroundOptions {
  /** Of this program: a server of another version, or with other settings, is replaced. */
  readonly version: string;
  /** Further words of `run-pipeline ui`. */
  readonly words?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** The server of the project, which is started as a process of its own when there is none. */
export async function startInBackground(
  paths: ProjectPaths,
  options: BackgroundOptions,
): Promise<NotedServer> {
  const lock = join(paths.home, LOCK);
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const running = await findRunningServer(paths.home);
    const fits = running?.version === options.version && running.settings === settingsOf(options.env);
    if (fits) return running;
    // Of two commands that start at once one starts the server, and the other finds it.
    if (takeLock(lock)) break;
    if (performance.now() > until) throw notStarted(`another command that starts it holds ${lock}`);
    await delay(LOOK_MS);
  }
  try {
    await stopBackground(paths.home);
    await launch(paths, options);
    const running = await findRunningServer(paths.home);
    if (running === undefined) throw notStarted('it ended at once');
    return running;
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify(processIdentity()), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Its holder was killed: the next look takes it.
    if (holderIsGone(path)) rmSync(path, { force: true });
    return false;
  }
}

function holderIsGone(path: string): boolean {
  try {
    return isAlive(JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity) === 'dead';
  } catch {
    return false; // released, or not written yet
  }
}

function launch(paths: ProjectPaths, options: BackgroundOptions): Promise<void> {
  const log = join(paths.home, LOG);
  const file = openSync(log, 'w', 0o600);
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../bin/run-pipeline.js', import.meta.url)), 'ui', ...(options.words ?? [])],
    {
      cwd: paths.root,
      env: {
        ...options.env,
        RUN_PIPELINE_HOME: paths.home,
        NO_COLOR: '1',
        [IDLE_VARIABLE]: options.env[IDLE_VARIABLE] ?? String(IDLE_MS),
      },
      detached: true,
      stdio: ['ignore', file, file, 'ipc'],
    },
  );
  closeSync(file);
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(notStarted(`it does not answer; ${log} may say why`)), PATIENCE_MS);
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      if (child.connected) child.disconnect();
      child.unref();
      action();
    };
    child.once('message', () => settle(done));
    child.once('error', (error) => settle(() => fail(error)));
    child.once('exit', () => settle(() => fail(notStarted(lastWords(log)))));
  });
}

/** Tells who started this process in the background that it serves. */
export function reportReady(): void {
  process.send?.('ready', undefined, undefined, () => process.disconnect());
}

const lastWords = (log: string): string =>
  readFileSync(log, 'utf8').trim().replace(/^✖ /, '') || 'it said nothing';

const notStarted = (why: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'run',
    code: 'page-not-started',
    message: `the server of the web page could not be started: ${why}`,
    help: 'run-pipeline ui starts it in this terminal',
  });

/** Ends the server of a project; false when there is none. */
export async function stopBackground(home: string): Promise<boolean> {
  const running = await findRunningServer(home);
  if (running === undefined) return false;
  process.kill(running.identity.pid, 'SIGTERM');
  const until = performance.now() + PATIENCE_MS;
  while (isAlive(running.identity) === 'alive' && performance.now() < until) await delay(LOOK_MS);
  return true;
}
