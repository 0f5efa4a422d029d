import { RunPipelineError } from '@run-pipeline/core/model';
import { crashPoint } from '../../crash-points.js';
import type { AttemptNumber } from './attempt.js';
import { priorityOf, type NodeState, type RunContext } from '../context.js';
import { announcement } from '../run/end-node.js';
import type { OpenAttempt } from './open-attempt.js';
import type { Prepared } from '../step/prepare.js';
import { RunLost } from '../run/run-log.js';
import { stepJob } from './step-job.js';

/** Puts an attempt into its queue. Undefined: the run stopped while it waited for its turn. */
export async function handOver(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  { queue, attempt, again }: AttemptNumber & { readonly queue: string },
): Promise<OpenAttempt | undefined> {
  if (!node.announced) {
    // Whoever resumes this run looks for attempts of the steps that it knows.
    void context.log.append({ events: announcement(node) });
    node.announced = true;
  }
  const enqueued = await context.handOver(async () => {
    if (context.stop.current() !== undefined) return undefined;
    const job = await stepJob(context, node, prepared);
    // What this step was given is durable before it starts (a hit's commit may still be under way).
    await context.log.flushed();
    return context.project.store.enqueueTask({
      task: node.task,
      kind: 'step',
      queue,
      priority: priorityOf(context, node),
      resources: node.definition.options.resources,
      run: {
        id: context.row.id,
        epoch: context.row.epoch,
        step: node.name,
        attempt,
        ...(again ? { again } : {}),
      },
      ...job,
    });
  });
  if (enqueued === undefined) return undefined;
  if (!enqueued.ok) {
    if (enqueued.reason === 'stale-epoch') throw new RunLost('another process has taken this run over');
    throw new RunPipelineError({
      kind: 'run',
      code: 'attempt-held',
      message: `an earlier attempt of it is still ${enqueued.status ?? 'there'}, and does not end`,
      help: 'Stop the agent that holds it, then resume the run.',
    });
  }
  crashPoint('job-enqueued');
  return { attempt: enqueued.attempt, queue, told: { started: 0, settled: 0, rows: new Map() } };
}
