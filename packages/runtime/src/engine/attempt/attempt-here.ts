import type { Report } from '@run-pipeline/core/model';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { crashPoint } from '../../crash-points.js';
import type { Attempted, AttemptNumber } from './attempt.js';
import { inputBlobs, outcomeBlobs, reportBlobs } from './attempt-blobs.js';
import { AttemptOutput } from './attempt-output.js';
import { projectService } from './project-service.js';
import { changeStatus } from '../run/callbacks.js';
import { otherTask, type NodeState, type RunContext } from '../context.js';
import { announcement } from '../run/end-node.js';
import { bufferLog } from './log-buffer.js';
import { runnable } from '../launch/packages.js';
import type { Prepared } from '../step/prepare.js';
import { RunLost } from '../run/run-log.js';
import { endProcesses } from '../run/survivors.js';
import { taskRequest } from './task-request.js';
import { startTimer } from '../timer.js';

/** Executes an attempt in a worker of this process. The caller holds a slot. */
export async function attemptHere(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  { attempt, again }: AttemptNumber,
): Promise<Attempted> {
  // What this step was given is durable before it starts (a hit's commit may still be under way).
  await context.log.flushed();
  node.attempt = attempt;
  const { manifest } = prepared.package;
  const request = await taskRequest(context, node, prepared, attempt).catch((error: unknown) => {
    // Something was being installed for it when the run was stopped.
    if (context.stop.current() === undefined) throw error;
  });
  if (request === undefined) {
    const outcome = { status: 'aborted', reason: 'stopped' } as const;
    return {
      outcome,
      attempt,
      durationMs: 0,
      fence: undefined,
      started: false,
      preimageKept: false,
      sameInstallation: true,
    };
  }
  const pool = await context.pool();
  const { installation } = await runnable(context, prepared.package);
  const installed = installation();
  const logs = bufferLog((stream, text) =>
    context.log.append({ events: [{ type: 'step.log', step: node.name, attempt, stream, text }] }),
  );
  const pending: Promise<unknown>[] = [];
  const { blobs } = context.project;
  /** Of a report whose content was large: what it names is durable before it is told, and reports keep their order. */
  let adopting: Promise<void> | undefined;
  const onReport = (report: Report): void => {
    const tell = (): Promise<void> =>
      context.log.append({ events: [{ type: 'step.report', step: node.name, attempt, report }] });
    const large = reportBlobs([report]);
    if (large.length > 0 || adopting !== undefined) {
      const before = adopting;
      adopting = (async () => {
        await before;
        await blobs.adopt(large);
        await tell();
      })();
      adopting.catch(() => {}); // awaited with the others, at the end
    }
    pending.push(adopting ?? tell());
  };
  const aborting = abortingAfter(context.stop.signal, node.definition.options.timeout);
  // The record of a step from a task tells at once what the task says of itself, and what it has uploaded.
  let record: AttemptOutput | undefined;
  let fence: number | undefined;
  let started = performance.now();
  const held = await blobs.hold(inputBlobs(request));
  try {
    const outcome = await pool.execute({
      request,
      service: projectService(context.project),
      isolation: node.definition.options.isolation,
      closureKey: manifest.closureHash,
      ownWorker: manifest.ownWorker,
      signal: aborting.signal,
      onStart: async (worker) => {
        // In one tick, hence in one transaction: the right to execute, and the word of it.
        const claimed = claim(context, node, { attempt, again }, worker);
        const told = context.log.append({
          events: [
            ...announcement(node),
            {
              type: 'step.start',
              step: node.name,
              attempt,
              ...otherTask(context.row.id, node, node.task),
              host: context.owner.host,
              pid: worker.pid,
            },
          ],
          preimages: [{ step: node.name, fingerprint: prepared.fingerprint, parts: prepared.parts }],
        });
        const granted = await claimed;
        fence = granted.fence;
        context.claims.set(node.task, fence);
        if (prepared.template !== undefined) record = recordOutput(context, node, fence);
        await told;
        await endProcesses(granted.survivors);
        crashPoint('after-claim');
        node.announced = true;
        await changeStatus(context, node, 'running');
        aborting.start();
        started = performance.now();
      },
      onLog: (chunk) => logs.write(chunk.stream, chunk.text),
      onReport,
      onEdit: (edit) => record?.edit(edit),
      onArtifact: (artifact) => record?.artifact(artifact),
    });
    const durationMs = Math.round(performance.now() - started);
    crashPoint('after-execute');
    await record?.end();
    await blobs.adopt(outcomeBlobs(outcome));
    return {
      outcome,
      attempt,
      durationMs,
      fence,
      started: fence !== undefined,
      preimageKept: fence !== undefined,
      sameInstallation: installation() === installed,
    };
  } finally {
    held.release();
    aborting.stop();
    context.claims.delete(node.task);
    await logs.end();
    await Promise.all(pending);
  }
}

/** Whoever lost the attempt is refused here, and hears of it with the outcome. */
const recordOutput = (context: RunContext, node: NodeState, fence: number): AttemptOutput =>
  new AttemptOutput({ ...context.project, task: node.task, fence, onLost: () => {} });

async function claim(
  context: RunContext,
  node: NodeState,
  { attempt, again }: AttemptNumber,
  worker: { readonly pid: number; readonly startTime: string; readonly processGroup: number | undefined },
): Promise<{ readonly fence: number; readonly survivors: readonly ProcessIdentity[] }> {
  const claimed = await context.project.store.claimTask({
    task: node.task,
    run: context.row.id,
    epoch: context.row.epoch,
    step: node.name,
    attempt,
    ...(again ? { again } : {}),
    leaseMs: context.leaseMs,
    executor: {
      host: context.owner.host,
      bootId: context.owner.bootId,
      pid: worker.pid,
      startTime: worker.startTime,
      ...(worker.processGroup === undefined ? {} : { processGroup: worker.processGroup }),
    },
  });
  if (!claimed.ok)
    throw new RunLost(
      `step ${node.name} is being executed by process ${claimed.holder.pid} on ${claimed.holder.host}`,
    );
  return claimed;
}

function abortingAfter(
  parent: AbortSignal,
  timeout: number | undefined,
): { readonly signal: AbortSignal; readonly start: () => void; readonly stop: () => void } {
  const controller = new AbortController();
  let timer: { readonly stop: () => void } | undefined;
  const onParent = (): void => controller.abort({ reason: 'stopped' });
  if (parent.aborted) onParent();
  else parent.addEventListener('abort', onParent, { once: true });
  return {
    signal: controller.signal,
    start: () => {
      if (timeout !== undefined) timer = startTimer(timeout, () => controller.abort({ reason: 'timeout' }));
    },
    stop: () => {
      timer?.stop();
      parent.removeEventListener('abort', onParent);
    },
  };
}
