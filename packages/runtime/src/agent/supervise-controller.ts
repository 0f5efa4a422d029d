import { RunPipelineError } from '@run-pipeline/core/model';
import { crashPoint } from '../crash-points.js';
import type { AttemptOutput } from '../engine/attempt/attempt-output.js';
import {
  startController,
  type ControllerEnd,
  type ControllerProcess,
} from '../engine/controller/controller-process.js';
import { isController } from '../engine/index.js';
import { withheldSecrets } from '../project/index.js';
import { createMasker } from '../workers/mask.js';
import { settleController } from '../engine/controller/settle-controller.js';
import { endProcesses } from '../engine/run/survivors.js';
import type { AgentContext } from './agent-context.js';
import type { HeldAttempt } from './held-attempt.js';
import { openOutput } from './open-output.js';
import { recordOf, titleOf } from './record-job.js';
import { failure, settleAttempt } from './settle-attempt.js';

/**
 * The controller of a whole run: it has a process of its own, which drives the run; the agent holds its
 * lease, keeps what it prints, and ends it. Handed back or lost, the process is killed and the run is left as
 * it is: whoever gets the controller next continues it.
 */
export async function superviseController(agent: AgentContext, held: HeldAttempt): Promise<void> {
  const output = openOutput(agent, held);
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  let end: ControllerEnd;
  try {
    end = await execute(agent, held, output);
  } catch (error) {
    return settleAttempt(agent, held, output, { outcome: failure(agent, error), durationMs: elapsed() });
  }
  crashPoint('after-execute');
  await settle(agent, held, output, { end, durationMs: elapsed() });
}

async function execute(
  agent: AgentContext,
  held: HeldAttempt,
  output: AttemptOutput,
): Promise<ControllerEnd> {
  const { project, environment, graceMs } = agent;
  await endProcesses(held.job.survivors);
  const record = await recordOf(project.store, held.task);
  held.title = titleOf(record);
  agent.tell({ type: 'task.start', ...held.name });
  if (!isController(record)) {
    throw new RunPipelineError({
      kind: 'run',
      code: 'no-controller',
      message: `the task ${record.project}/${record.name} was queued as the controller of a run, and is none`,
    });
  }
  // It drives the run, so it has what opens the store: what its user's code prints of that is not kept.
  const masker = createMasker(withheldSecrets(environment, project.withheld));
  const shown = { stdout: masker.stream(), stderr: masker.stream() };
  const controller = startController({
    task: held.task,
    spec: held.job.spec,
    fence: held.fence,
    leaseMs: agent.leaseMs,
    cwd: project.cwd,
    env: withoutSigningKey(environment),
    // As the run or its pipeline says.
    concurrency: undefined,
    graceMs,
    onOutput: ({ stream, text }) => void output.log(stream, shown[stream].push(text)),
  });
  held.executedBy(controller.identity, () => controller.kill());
  const unlisten = endWith(held, controller);
  try {
    const ours = await project.store.setTaskExecutor(held.task, held.fence, controller.identity);
    if (!ours) held.lose('it was given to somebody else before it started');
    crashPoint('after-claim');
    const ended = await controller.ended;
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = shown[stream].end();
      if (rest !== '') void output.log(stream, rest);
    }
    return ended;
  } finally {
    unlisten();
    held.executed();
  }
}

/** A controller executes packages and makes none: it has nothing to vouch for. */
function withoutSigningKey(environment: Readonly<Record<string, string>>): Record<string, string> {
  const { RUN_PIPELINE_SIGNING_KEY: _, ...rest } = environment;
  return rest;
}

/** Asked to stop, the run ends as aborted. For everything else there is the next agent. */
function endWith(held: HeldAttempt, controller: ControllerProcess): () => void {
  const end = (): void => {
    if (held.lost === undefined && held.handedBack === undefined && held.stop !== undefined)
      controller.stop(held.stop.message);
    else controller.kill();
  };
  if (held.signal.aborted) end();
  else held.signal.addEventListener('abort', end, { once: true });
  return () => held.signal.removeEventListener('abort', end);
}

async function settle(
  agent: AgentContext,
  held: HeldAttempt,
  output: AttemptOutput,
  { end, durationMs }: { readonly end: ControllerEnd; readonly durationMs: number },
): Promise<void> {
  // Nothing of its run depends on what it printed.
  await output.end();
  const back = held.handedBack;
  if (held.lost === undefined && end.type !== 'lost') {
    held.settling = true;
    if (back !== undefined && end.type === 'died') {
      if (await agent.project.store.releaseTask(held.task, held.fence, back)) {
        agent.tell({ type: 'task.release', reason: back, ...held.name });
        return;
      }
    } else {
      const { project } = agent;
      const { task, fence, stop, name } = held;
      const status = await settleController({ project, task, fence, end, stopped: stop?.message });
      if (status === 'queued') {
        agent.tell({ type: 'task.release', reason: 'its process was killed', ...name });
        return;
      }
      if (status !== 'lost') {
        const error = end.type === 'ended' ? end.error : undefined;
        agent.tell({
          type: 'task.end',
          status,
          durationMs,
          ...(error === undefined ? {} : { error }),
          ...name,
        });
        return;
      }
    }
  }
  held.lose(end.type === 'lost' ? end.message : 'what it came to was refused: its lease had run out');
  agent.tell({ type: 'task.lost', reason: held.lost ?? '', ...held.name });
}
