import { isRunPipelineError, type RunId, type TaskId } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import type { RunRequest, RunResult } from '../api.js';
import { goOnCommand } from '../../queue/index.js';
import { endRun } from '../run/end-run.js';
import { followRun, type FollowRequest } from './follow-run.js';
import { launchRemote } from './launch-remote.js';
import { RunLost } from '../run/run-log.js';
import { resumeRun } from '../run/resume-run.js';
import { startRun } from '../run/start-run.js';
import { stopWaiting } from './stop-waiting.js';

export interface RemoteRequest extends RunRequest {
  readonly controllerQueue: string;
  /** Ends the following; the run goes on. (`signal` stops the run.) */
  readonly detach?: AbortSignal;
  /** What the pipeline's code prints in the process of the controller. */
  readonly onOutput?: FollowRequest['onOutput'];
  /** Who drives the run from now on; at first it is this process. */
  readonly onPlace?: (place: 'here' | 'elsewhere') => void;
}

export type RemoteEnd =
  | { readonly type: 'ended'; readonly result: RunResult }
  | { readonly type: 'detached'; readonly row: RunRow }
  /** Its process is gone, and no agent continues it by itself. */
  | { readonly type: 'lost'; readonly row: RunRow };

/**
 * A run whose controller an agent executes, followed to its end. Without any agent on the queue it runs
 * here, as any other; also when they all vanish while it waits. On a fleet it waits for one, and says so.
 */
export async function runRemote(request: RemoteRequest): Promise<RemoteEnd> {
  const { project, controllerQueue: queue } = request;
  const { store, fleet } = project;
  if (!fleet && (await store.listAgents({ queue })).length === 0) {
    request.onWarning(unserved(queue));
    return { type: 'ended', result: await startRun(request) };
  }
  const row = await launchRemote(request);
  request.onPlace?.('elsewhere');
  const unlisten = stopOnAbort(request, row);
  try {
    let afterSeq = -1;
    for (;;) {
      const followed = await followRun({
        store,
        run: row.id,
        afterSeq,
        onEvent: request.onEvent,
        signal: request.detach ?? NEVER,
        until: fleet ? 'withdrawn' : 'unserved',
        onUnserved: (unservedQueue) => request.onWarning(waitsForAgent(unservedQueue)),
        onPaused: (pausedQueue) => request.onWarning(waitsPaused(pausedQueue)),
        ...(request.onOutput === undefined ? {} : { onOutput: request.onOutput }),
      });
      switch (followed.type) {
        case 'ended':
          return followed;
        case 'detached':
          return { type: 'detached', row };
        case 'unserved': {
          afterSeq = followed.lastSeq;
          const result = await takeHere(request, row.id, reasonOf(followed));
          if (result !== undefined) return { type: 'ended', result };
          break;
        }
        case 'lost': {
          if (followed.row.queued !== true) return followed;
          await endAborted(request, followed.row);
          afterSeq = followed.lastSeq;
          break;
        }
        case 'removed':
          return { type: 'lost', row };
        default:
          followed satisfies never;
      }
    }
  } finally {
    unlisten();
  }
}

const NEVER = new AbortController().signal;

const unserved = (queue: string): string =>
  `no agent serves queue "${queue}": the pipeline runs here (start one: run-pipeline agent --queue ${queue})`;

const waitsForAgent = (queue: string): string =>
  `no agent serves queue "${queue}": the pipeline waits for one (start one: run-pipeline agent --queue ${queue})`;

const waitsPaused = (queue: string): string =>
  `queue "${queue}" is paused: the pipeline waits (let it go on: ${goOnCommand(queue)})`;

const reasonOf = ({ queue, withdrawn }: { readonly queue: string; readonly withdrawn: boolean }): string =>
  withdrawn ? `the run was taken out of queue "${queue}": it runs here` : unserved(queue);

/** Its controller's task was aborted while it waited: the run ends as that did. */
async function endAborted({ project }: RemoteRequest, row: RunRow): Promise<void> {
  const error = (await project.store.readTask(row.id as string as TaskId))?.error ?? {
    name: 'RunStopped',
    code: 'stopped',
    message: 'its controller was aborted',
  };
  try {
    await endRun({ project, row, status: 'aborted', error });
  } catch (thrown) {
    // Somebody else ends it, or has taken it.
    if (!(thrown instanceof RunLost)) throw thrown;
  }
}

/** Undefined: an agent came and took it. */
async function takeHere(request: RemoteRequest, run: RunId, why: string): Promise<RunResult | undefined> {
  const { project, definition, options } = request;
  try {
    return await resumeRun({
      project,
      run,
      definition,
      options,
      onEvent: request.onEvent,
      onWarning: request.onWarning,
      signal: request.signal,
      onTaken: () => {
        request.onPlace?.('here');
        request.onWarning(why);
      },
    });
  } catch (error) {
    if (isRunPipelineError(error) && error.code === 'still-running') return undefined;
    throw error;
  }
}

/** A stop that is asked for here ends the run there. */
function stopOnAbort(request: RemoteRequest, row: RunRow): () => void {
  const { project, signal } = request;
  const reason = (): string =>
    signal.reason instanceof Error ? signal.reason.message : 'stopped by the program that started it';
  const stop = async (): Promise<void> => {
    await project.store.requestStop(row.id, reason());
    const now = await project.store.getRun(row.id);
    if (now?.queued === true) await stopWaiting(project, now, { reason: reason() });
  };
  const onAbort = (): void => {
    stop().catch((error: unknown) =>
      request.onWarning(
        `the run could not be asked to stop: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}
