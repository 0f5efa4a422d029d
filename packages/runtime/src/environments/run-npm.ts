import { spawn, type ChildProcess } from 'node:child_process';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { processIdentity } from '../project/process-identity.js';
import type { NpmCommand } from './npm-command.js';

export interface NpmRun {
  readonly npm: NpmCommand;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Told before npm has done anything, so that it can be found if this process dies. */
  readonly onStart: (identity: ProcessIdentity) => Promise<void>;
}

export interface NpmEnding {
  /** Undefined: it could not be started, or was killed. */
  readonly code: number | undefined;
  /** The end of what it said, both streams. */
  readonly said: string;
}

/** How much of what npm says is kept. */
const SAID_BYTES = 64 * 1024;
/** What is still in the pipes of an ended process; who else holds them is not waited for (INVARIANTS 16). */
const DRAIN_MS = 100;

/**
 * Runs npm in a process group of its own. When the signal aborts, the group is killed (npm has nothing to
 * save: what it keeps in its cache, it renames into place); the reason is thrown once npm is gone, so that
 * nothing writes into its directory any more.
 */
export async function runNpm(run: NpmRun): Promise<NpmEnding> {
  run.signal.throwIfAborted();
  const child = spawn(run.npm.program, [...run.npm.args, ...run.args], {
    cwd: run.cwd,
    env: run.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-SAID_BYTES);
    });
  }
  const ended = endOf(child);
  const abort = (): void => killGroup(child);
  run.signal.addEventListener('abort', abort, { once: true });
  try {
    if (child.pid !== undefined) {
      await run.onStart({ ...processIdentity(child.pid), processGroup: child.pid });
    }
    const { code, failure } = await ended;
    run.signal.throwIfAborted();
    return { code, said: failure === undefined ? said : `${said}${failure}` };
  } catch (error) {
    killGroup(child);
    await ended;
    throw error;
  } finally {
    run.signal.removeEventListener('abort', abort);
    // Whatever of the group outlived its leader writes where the next one installs.
    killGroup(child);
  }
}

interface Exit {
  readonly code: number | undefined;
  readonly failure?: string;
}

async function endOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: undefined, failure: error.message }));
    child.once('exit', (code, signal) => {
      const exit: Exit =
        code === null ? { code: undefined, failure: `npm was killed by ${signal}` } : { code };
      const late = setTimeout(() => resolve(exit), DRAIN_MS);
      child.once('close', () => {
        clearTimeout(late);
        resolve(exit);
      });
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  } catch {
    // all of it has ended
  }
}
