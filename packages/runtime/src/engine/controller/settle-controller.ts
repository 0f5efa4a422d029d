import type { ErrorRecord, RunId, TaskId } from '@run-pipeline/core/model';
import type { Project } from '../../project/project.js';
import type { ControllerEnd } from './controller-process.js';
import { endRun } from '../run/end-run.js';
import { RunLost } from '../run/run-log.js';
import { leaseMs } from '../settings.js';

/** As with agents that get lost: what dies so many times is not given to another one. */
const MOST_DEATHS = 3;
/** How deaths are known among the attempts that were handed back. */
const DIED = 'the process of the controller died';

/**
 * What an agent tells the store after the process of a controller has ended: how the run ended; or, when the
 * process died without a word, what becomes of the run. Killed from outside (or by the lack of memory) it is
 * handed back and continued, at the third time failed; ended by its own code (`process.exit()` in a callback)
 * it would be the same again: the run fails with that reason, at once.
 *
 * @param options.stopped Why the process was asked to stop, if it was: it did not end in time then, and
 *   the run is aborted for that reason.
 * @returns what the task is at now; `lost` when it is somebody else's.
 */
export async function settleController(options: {
  readonly project: Project;
  readonly task: TaskId;
  /** Of the agent's claim. */
  readonly fence: number;
  readonly end: ControllerEnd;
  readonly stopped: string | undefined;
}): Promise<'completed' | 'failed' | 'aborted' | 'queued' | 'lost'> {
  const { project, task, fence, end, stopped } = options;
  switch (end.type) {
    case 'ended':
      return finish(options, end.status, end.error);
    case 'lost':
      return 'lost';
    case 'died': {
      const how = end.signal === null ? `exit code ${end.code}` : end.signal;
      if (stopped === undefined && end.signal !== null && (await deaths(options)) + 1 < MOST_DEATHS) {
        return (await project.store.releaseTask(task, fence, `${DIED} (${how})`)) ? 'queued' : 'lost';
      }
      const error: ErrorRecord =
        stopped === undefined
          ? {
              name: 'ControllerDied',
              code: 'controller-died',
              message:
                end.signal === null
                  ? `code of the pipeline ended its own process (${how}), perhaps by process.exit()`
                  : `${DIED} ${MOST_DEATHS} times, the last time by ${how}`,
            }
          : { name: 'RunStopped', code: 'stopped', message: stopped };
      return endBoth(options, stopped === undefined ? 'failed' : 'aborted', error);
    }
    default:
      return end satisfies never;
  }
}

type Held = Pick<Parameters<typeof settleController>[0], 'project' | 'task' | 'fence'>;

async function endBoth(held: Held, status: 'failed' | 'aborted', error: ErrorRecord) {
  const { project, task } = held;
  const row = await project.store.getRun(task as string as RunId);
  if (row === undefined) return finish(held, status, error);
  // An agent that slept may have lost it to one that drives the run now.
  if (!(await project.store.heartbeatTask(task, held.fence, leaseMs(process.env)))) return 'lost' as const;
  try {
    // It may have ended before its process died.
    const result = await endRun({ project, row, status, error });
    return await finish(held, result.status, result.error);
  } catch (thrown) {
    if (thrown instanceof RunLost) return 'lost' as const;
    throw thrown;
  }
}

async function finish(
  { project, task, fence }: Held,
  status: 'completed' | 'failed' | 'aborted',
  error: ErrorRecord | undefined,
) {
  const ok = await project.store.finishTask({
    task,
    fence,
    status,
    artifacts: [],
    ...(error === undefined ? {} : { error }),
  });
  return ok ? status : ('lost' as const);
}

async function deaths({ project, task }: Held): Promise<number> {
  const state = (await project.store.readAttempts([task])).get(task);
  if (state === undefined) return 0;
  // Of the attempts right before this one: enqueued again by somebody, it has all its lives.
  const recent = state.lost.filter(({ attempt }) => attempt > state.attempt - MOST_DEATHS);
  return recent.filter(({ reason }) => reason.startsWith(DIED)).length;
}
