import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ErrorRecord, Report, RetryPolicy, StepName } from '@run-pipeline/core/model';
import type { TaskOutcome, TaskRequest } from '../workers/protocol.js';
import { crashPoint } from '../crash-points.js';
import { callbackViews, changeStatus, failRun } from './callbacks.js';
import { pause } from './cache.js';
import { errorRecord, placedAtStep } from './error-record.js';
import { argumentValues } from './inputs.js';
import { bufferLog } from './log-buffer.js';
import { parameterValues, type Prepared } from './prepare.js';
import { RunLost } from './run-log.js';
import { announcement, endNode } from './end-node.js';
import { startTimer } from './timer.js';
import { installationMark } from '../package/index.js';
import { materialised } from './packages.js';
import type { NodeState, RunContext } from './context.js';

/** Executes a step: attempt by attempt, each in a slot, until one completes or no retry is left. */
export async function execute(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  why: readonly string[],
): Promise<void> {
  const policy = node.definition.options.retry ?? context.definition.options.retry;
  await changeStatus(context, node, 'queued');
  const first = node.attempt + 1;
  for (let attempt = first; ; attempt++) {
    const next = await context.slot(async () => {
      if (context.stop.current() !== undefined) return { type: 'stopped' as const };
      const attempted = await attemptOnce(context, node, prepared, attempt);
      const { outcome } = attempted;
      if (outcome.status === 'completed') return { type: 'completed' as const, attempted, outcome };
      if (attempted.fence === undefined && outcome.status === 'aborted') {
        node.attempt = attempt - 1;
        return { type: 'stopped' as const };
      }
      // Still in its slot: what this failure stops (`abortOnFailure`) must not start meanwhile.
      return endAttempt(context, node, { prepared, why, attempted, outcome, policy, first });
    });
    switch (next.type) {
      case 'stopped':
        return endStopped(context, node, prepared, why);
      case 'completed':
        return endCompleted(context, node, prepared, why, next.attempted, next.outcome);
      case 'ended':
        return;
      case 'retry':
        await pause(next.delayMs, context.stop.signal);
        break;
      default:
        next satisfies never;
    }
  }
}

/** An attempt that did not complete: it is tried again, or the step ends with it. */
async function endAttempt(
  context: RunContext,
  node: NodeState,
  options: {
    readonly prepared: Prepared;
    readonly why: readonly string[];
    readonly attempted: Attempted;
    readonly outcome: Exclude<TaskOutcome, { readonly status: 'completed' }>;
    readonly policy: RetryPolicy;
    /** The first attempt of this process: a resumed run starts counting retries anew. */
    readonly first: number;
  },
): Promise<{ readonly type: 'ended' } | { readonly type: 'retry'; readonly delayMs: number }> {
  const { prepared, why, attempted, outcome, policy, first } = options;
  const { attempt, durationMs, fence } = attempted;
  const timedOut = outcome.status === 'aborted' && outcome.reason === 'timeout';
  const record: ErrorRecord =
    outcome.error ?? abortError(context, node, outcome.status === 'aborted' ? outcome.reason : 'stopped');
  const error =
    outcome.status === 'failed' || timedOut
      ? placedAtStep(record, node.definition, context.project.cwd)
      : record;
  const finish = (status: 'failed' | 'aborted') =>
    fence === undefined ? {} : { finish: { task: node.task, fence, status, error } };
  const mayRetry =
    (outcome.status === 'failed' || timedOut) &&
    context.stop.current() === undefined &&
    attempt - first < policy.retries &&
    (await agrees(context, node, policy, error, outcome, attempt));
  if (!mayRetry) {
    const { status } = outcome;
    await endNode(context, node, {
      status,
      attempt,
      durationMs,
      artifacts: [],
      why,
      error,
      prepared,
      commit: finish(status),
    });
    return { type: 'ended' };
  }
  const delayMs = backoff(policy, attempt - first);
  await context.log.append({
    events: [{ type: 'step.retry', step: node.name, attempt, error, delayMs }],
    ...finish('failed'),
  });
  await changeStatus(context, node, 'queued');
  return { type: 'retry', delayMs };
}

interface Attempted {
  readonly outcome: TaskOutcome;
  /** What was installed did not change while it ran. */
  readonly sameInstallation: boolean;
  readonly attempt: number;
  readonly durationMs: number;
  /** Undefined: it never started. */
  readonly fence: number | undefined;
}

async function attemptOnce(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  attempt: number,
): Promise<Attempted> {
  // What this step was given is durable before it starts (a hit's commit may still be under way).
  await context.log.flushed();
  node.attempt = attempt;
  const { manifest } = prepared.package;
  const request = await taskRequest(context, node, prepared, attempt);
  const pool = await context.pool();
  const installed = installationMark(context.project, manifest);
  const logs = bufferLog((stream, text) =>
    context.log.append({ events: [{ type: 'step.log', step: node.name, attempt, stream, text }] }),
  );
  const pending: Promise<unknown>[] = [];
  const onReport = (report: Report): void => {
    pending.push(context.log.append({ events: [{ type: 'step.report', step: node.name, attempt, report }] }));
  };
  const aborting = abortingAfter(context.stop.signal, node.definition.options.timeout);
  let fence: number | undefined;
  let started = performance.now();
  try {
    const outcome = await pool.execute({
      request,
      isolation: node.definition.options.isolation,
      closureKey: manifest.closureHash,
      ownWorker: manifest.ownWorker,
      signal: aborting.signal,
      onStart: async (worker) => {
        // In one tick, hence in one transaction: the right to execute, and the word of it.
        const claimed = claim(context, node, attempt, worker);
        const told = context.log.append({
          events: [
            ...announcement(node),
            { type: 'step.start', step: node.name, attempt, host: context.owner.host, pid: worker.pid },
          ],
          preimages: [{ step: node.name, fingerprint: prepared.fingerprint, parts: prepared.parts }],
        });
        fence = await claimed;
        context.claims.set(node.task, fence);
        await told;
        crashPoint('after-claim');
        node.announced = true;
        await changeStatus(context, node, 'running');
        aborting.start();
        started = performance.now();
      },
      onLog: (chunk) => logs.write(chunk.stream, chunk.text),
      onReport,
    });
    crashPoint('after-execute');
    return {
      outcome,
      attempt,
      durationMs: Math.round(performance.now() - started),
      fence,
      sameInstallation: installationMark(context.project, manifest) === installed,
    };
  } finally {
    aborting.stop();
    context.claims.delete(node.task);
    await logs.end();
    await Promise.all(pending);
  }
}

async function claim(
  context: RunContext,
  node: NodeState,
  attempt: number,
  worker: { readonly pid: number; readonly startTime: string; readonly processGroup: number | undefined },
): Promise<number> {
  const claimed = await context.project.store.claimTask({
    task: node.task,
    run: context.row.id,
    epoch: context.row.epoch,
    step: node.name,
    attempt,
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
  return claimed.fence;
}

async function taskRequest(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  attempt: number,
): Promise<TaskRequest> {
  const { manifest, hash, directory } = prepared.package;
  const { file, sourceMap } = await materialised(context, prepared.package);
  const { options } = node.definition;
  const secretNames = [...context.definition.options.secrets, ...options.secrets];
  const timeout = options.timeout;
  return {
    task: node.task,
    run: context.row.id,
    step: node.name as StepName,
    attempt,
    pipeline: context.row.pipeline,
    project: context.row.project,
    package: { hash, file, sourceMap, externals: manifest.externals },
    entry: manifest.entry,
    binding: manifest.binding,
    arguments: await argumentValues(prepared.arguments),
    parameters: await parameterValues(prepared),
    returns: node.definition.returns,
    env: context.environment,
    secrets: secretNames.flatMap((name) => context.environment[name] ?? []),
    cwd: context.project.cwd,
    blobs: { kind: 'directory', path: context.project.blobsDirectory },
    assetsDirectory: manifest.assets.length === 0 ? undefined : `${directory}/assets`,
    assetsFrom: dirname(manifest.source.file),
    timeout,
    scratch: await scratchDirectory(context),
  };
}

const scratchMade = new WeakMap<RunContext, Promise<string>>();
function scratchDirectory(context: RunContext): Promise<string> {
  const known = scratchMade.get(context);
  if (known !== undefined) return known;
  const directory = join(context.project.home, 'tmp');
  const made = mkdir(directory, { recursive: true }).then(() => directory);
  scratchMade.set(context, made);
  return made;
}

async function endCompleted(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  why: readonly string[],
  attempted: Attempted,
  outcome: TaskOutcome & { readonly status: 'completed' },
): Promise<void> {
  const { artifacts, reports, values } = outcome;
  const uncacheable = attempted.sameInstallation
    ? outcome.uncacheable
    : 'its npm packages changed while it ran';
  const { fence } = attempted;
  const { row } = context;
  const enters = prepared.cache !== false && uncacheable === undefined;
  await endNode(context, node, {
    status: 'completed',
    attempt: attempted.attempt,
    durationMs: attempted.durationMs,
    artifacts,
    why: uncacheable === undefined ? why : [...why, `its result is not cached: ${uncacheable}`],
    prepared,
    commit: {
      ...(fence === undefined ? {} : { finish: { task: node.task, fence, status: 'completed' as const } }),
      values,
      ...(enters
        ? {
            cacheEntry: {
              fingerprint: prepared.fingerprint,
              project: row.project,
              pipeline: row.pipeline,
              step: node.name,
              task: node.task,
              artifacts,
              reports,
              durationMs: attempted.durationMs,
            },
          }
        : {}),
    },
  });
}

/** The run stopped while the step waited for a slot: it never started. */
async function endStopped(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  why: readonly string[],
): Promise<void> {
  const stop = context.stop.current();
  await endNode(context, node, {
    status: node.attempt === 0 ? 'skipped' : 'aborted',
    attempt: node.attempt,
    durationMs: 0,
    artifacts: [],
    why: stop === undefined ? why : [`the run stopped: ${stop.message}`],
    prepared,
  });
}

function abortError(
  context: RunContext,
  node: NodeState,
  reason: 'timeout' | 'stopped' | 'shutdown',
): ErrorRecord {
  if (reason === 'timeout') {
    const ms = node.definition.options.timeout ?? 0;
    return {
      name: 'TimeoutError',
      code: 'timeout',
      message: `step ${node.name} took longer than its timeout of ${formatMs(ms)}`,
    };
  }
  return { name: 'AbortError', code: 'aborted', message: context.stop.current()?.message ?? 'aborted' };
}

const formatMs = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

async function agrees(
  context: RunContext,
  node: NodeState,
  policy: RetryPolicy,
  record: ErrorRecord,
  outcome: TaskOutcome,
  attempt: number,
): Promise<boolean> {
  if (policy.when === undefined) return true;
  const thrown = outcome.status === 'failed' ? outcome.thrown : undefined;
  const error =
    thrown instanceof Error ? thrown : Object.assign(new Error(record.message), { name: record.name });
  if (record.code !== undefined && !('code' in error)) Object.assign(error, { code: record.code });
  try {
    return await policy.when(error, attempt, ...callbackViews(context, node));
  } catch (broken) {
    failRun(context, {
      ...errorRecord(broken, context.project.cwd),
      code: 'callback-failed',
      message: `retry.when of ${node.name} threw: ${broken instanceof Error ? broken.message : String(broken)}`,
    });
    return false;
  }
}

/** Doubles, with jitter over the upper half, so that many failing steps do not retry in step. */
function backoff(policy: RetryPolicy, retry: number): number {
  const full = Math.min(policy.maxBackoff, policy.backoff * 2 ** retry);
  return Math.round(full / 2 + Math.random() * (full / 2));
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
