import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TaskId } from '@run-pipeline/core/model';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { processIdentity } from '../../project/process-identity.js';
import { inheritedFlags, Watchdog } from '../../workers/index.js';
import type { FromController, ToController } from './controller-protocol.js';

/** How long what is still in the pipes of a dead process is waited for (INVARIANTS 16). */
const DRAIN_MS = 100;

/** The process that executes the controller of one run, as an agent sees it. */
export interface ControllerProcess {
  /** With its process group; known as soon as it was started. */
  readonly identity: ProcessIdentity;
  /** Never rejects. All of its output has been told by then. */
  readonly ended: Promise<ControllerEnd>;
  /**
   * Asks it to abort the run: steps are told, outcomes are kept, the run ends as aborted. Killed when
   * that takes longer than three times the grace period.
   */
  stop(reason: string): void;
  /**
   * Kills it with all it started, at once: when its task was lost to somebody else, or is handed back.
   * Its run is left as it is, for the next agent.
   */
  kill(): void;
}

export type ControllerEnd =
  | FromController
  /** It said nothing more: killed, out of memory, or user code called `process.exit()`. */
  | { readonly type: 'died'; readonly code: number | null; readonly signal: NodeJS.Signals | null };

export interface ControllerProcessOptions {
  readonly task: TaskId;
  /** What came with its job. */
  readonly spec?: Uint8Array | undefined;
  /** Of the agent's claim: the process takes nothing when that is old. */
  readonly fence: number;
  readonly leaseMs: number;
  /** Of the agent: where the project is found from, and what the user's code runs in. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly concurrency: number | undefined;
  readonly graceMs: number;
  /** What the user's code in the controller prints (top level, callbacks, bodies), and warnings. */
  readonly onOutput: (chunk: { readonly stream: 'stdout' | 'stderr'; readonly text: string }) => void;
  /** Default: the installed one. */
  readonly file?: string;
}

const installedControllerFile = (): string => fileURLToPath(new URL('./controller.js', import.meta.url));

/**
 * Starts the controller's process, in a group of its own. It ends when this process does, however that
 * ends: it watches its channel, and a watchdog kills its group even while its code is busy.
 *
 * @throws Error when no process can be started.
 */
export function startController(options: ControllerProcessOptions): ControllerProcess {
  const child = fork(options.file ?? installedControllerFile(), [], {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
    detached: true,
    execArgv: inheritedFlags(process.execArgv),
  });
  const { pid } = child;
  if (pid === undefined) {
    child.on('error', () => {});
    throw new Error('the process of the controller could not be started');
  }
  const watchdog = new Watchdog();
  watchdog.add(pid);
  const killGroup = (): void => signalGroup(pid, 'SIGKILL');
  const send = (message: ToController): void => void child.send(message, () => {});
  let said: FromController | undefined;
  let patience: NodeJS.Timeout | undefined;
  child.on('message', (message) => (said ??= message as FromController));
  child.on('error', killGroup);
  // What it last printed and said may be read after its end is known.
  const drained = [
    listen(child, 'stdout', options.onOutput),
    listen(child, 'stderr', options.onOutput),
    once(child, 'disconnect').catch(() => {}),
  ];
  const ended = (async (): Promise<ControllerEnd> => {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    clearTimeout(patience);
    // What it started must not outlive it.
    killGroup();
    watchdog.close();
    const drain = new AbortController();
    await Promise.race([
      Promise.all(drained),
      sleep(DRAIN_MS, undefined, { signal: drain.signal }).catch(() => {}),
    ]);
    drain.abort();
    return said ?? { type: 'died', code, signal };
  })();
  const { task, spec, fence, leaseMs, concurrency, graceMs } = options;
  send({ type: 'start', task, spec, fence, leaseMs, concurrency, graceMs });
  return {
    identity: { ...processIdentity(pid), processGroup: pid },
    ended,
    stop(reason) {
      send({ type: 'stop', reason });
      patience ??= setTimeout(killGroup, 3 * options.graceMs + 1000);
    },
    kill: killGroup,
  };
}

/** Settles when the pipe has ended. */
function listen(
  child: ChildProcess,
  stream: 'stdout' | 'stderr',
  onOutput: ControllerProcessOptions['onOutput'],
): Promise<unknown> {
  const pipe = child[stream]!;
  pipe.setEncoding('utf8');
  pipe.on('data', (text: string) => onOutput({ stream, text }));
  pipe.on('error', () => {});
  return once(pipe, 'close').catch(() => {});
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}
