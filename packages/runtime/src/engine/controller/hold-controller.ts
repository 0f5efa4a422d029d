import { setTimeout as sleep } from 'node:timers/promises';
import { RunPipelineError, type ErrorRecord, type TaskId } from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import { isAlive, processIdentity } from '../../project/process-identity.js';
import type { RunResult } from '../api.js';
import { leaseMs } from '../settings.js';

/** Only while the lease of a dead agent runs out. */
const LOOK_MS = 100;

/** The task of a run's controller while this process executes it instead of an agent. */
export interface HeldController {
  finish(result: Pick<RunResult, 'status' | 'error'>): Promise<void>;
  /** Renews its lease no more: it is left to whoever comes. */
  abandon(): void;
}

/**
 * Takes the controller's task of a run for this process: out of its queue, or from an agent that is dead, as
 * soon as the lease of that one has run out (the lease alone decides). Undefined: no agent was ever meant to
 * execute the run, so that there is no task.
 *
 * @throws RunPipelineError `still-running` while a living agent has it.
 */
export async function holdController(
  store: Store,
  run: Pick<RunRow, 'id' | 'pipeline' | 'number'>,
  options: { readonly onWaiting?: (message: string) => void } = {},
): Promise<HeldController | undefined> {
  const task = run.id as string as TaskId;
  const lease = leaseMs(process.env);
  for (let looks = 0; ; looks++) {
    await store.recoverTasks();
    const record = await store.readTask(task);
    if (record === undefined || record.status === 'completed' || record.status === 'published')
      return undefined;
    if (record.status === 'running') {
      await refuseLiving(store, task, run);
      if (looks === 0)
        options.onWaiting?.('the agent that ran it is dead: waiting until its lease has run out');
      await sleep(LOOK_MS);
    } else {
      const started = await store.startTask({
        task,
        executor: processIdentity(),
        leaseMs: lease,
        again: true,
        // In one step: who follows the run would take one that is in no queue for left to itself.
        waiting: true,
      });
      if (started.ok) return held(store, { task, fence: started.fence, lease });
    }
  }
}

function held(
  store: Store,
  { task, fence, lease }: { readonly task: TaskId; readonly fence: number; readonly lease: number },
): HeldController {
  // Who takes the task takes the run, and the run's epoch tells us then.
  const beat = setInterval(() => void store.heartbeatTask(task, fence, lease).catch(() => {}), lease / 3);
  return {
    abandon: () => clearInterval(beat),
    async finish({ status, error }) {
      clearInterval(beat);
      await store.finishTask({
        task,
        fence,
        status,
        artifacts: [],
        ...(error === undefined ? {} : { error: error satisfies ErrorRecord }),
      });
    },
  };
}

async function refuseLiving(
  store: Store,
  task: TaskId,
  run: Pick<RunRow, 'id' | 'pipeline' | 'number'>,
): Promise<void> {
  const attempt = (await store.readAttempts([task])).get(task);
  if (attempt === undefined || attempt.status !== 'running' || attempt.leaseExpired) return;
  const agents = attempt.agent === undefined ? [] : await store.listAgents();
  const agent = agents.find(({ id }) => id === attempt.agent);
  // Without an agent a process like this one executes it.
  const identity = attempt.agent === undefined ? attempt.executor : agent?.identity;
  if (identity === undefined || isAlive(identity) === 'dead') return;
  throw new RunPipelineError({
    kind: 'usage',
    code: 'still-running',
    message: `run ${run.pipeline}#${run.number} is being run by ${attempt.agent === undefined ? `process ${identity.pid} on ${identity.host}` : `agent ${attempt.agent}`}`,
    help: `Follow it: run-pipeline follow ${run.id}. Stop it: run-pipeline stop ${run.id}`,
  });
}
