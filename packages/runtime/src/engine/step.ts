import type { Fingerprint, Report, RunId, StepAdd, StepEnd, StoredArtifact, TaskId } from '@run-pipeline/core/model';
import type { PreimagePart } from '@run-pipeline/core/ports';
import { isRunPipelineError } from '@run-pipeline/core/model';
import { afterExecution, beforeExecution, changeStatus, failRun } from './callbacks.js';
import { findHit, whileClaimed, type Hit } from './cache.js';
import { execute } from './execute.js';
import { runMapped } from './each.js';
import { errorRecord } from './error-record.js';
import { prepare, type Prepared } from './prepare.js';
import { adoptByIdentity, adoptByName } from './recorded.js';
import { blocks, rootOf } from './outcome.js';
import { reasonsToRun } from './reasons.js';
import { RunLost } from './run-log.js';
import type { NodeState, RunContext } from './context.js';

/**
 * The story of one step, once its parents have ended: is it skipped; what would its result depend on;
 * is that result known; else execute it, keep what it made, and tell.
 */
export async function runStep(context: RunContext, node: NodeState): Promise<void> {
  const started = performance.now();
  try {
    if (!node.mapped && (await adoptByName(context, node))) return;
    const skip = skipReason(context, node);
    if (skip !== undefined) return await endSkipped(context, node, skip);
    if (node.mapped) return await runMapped(context, node);

    const prepared = await prepare(context, node, (parameters) => beforeExecution(context, node, parameters));
    if (prepared === 'skipped') return await endSkipped(context, node, ['its pre-execute callback said no']);
    node.fingerprint = prepared.fingerprint;
    if (await adoptByIdentity(context, node, prepared)) return;

    const reuse = await findHit(context, node, prepared);
    if (reuse.hit !== undefined) return await endCached(context, node, prepared, reuse.hit, started);

    const late = await whileClaimed(context, node, prepared, async () => {
      const why = await reasonsToRun(context, node, prepared, reuse.miss);
      await execute(context, node, prepared, why);
    });
    if (late !== undefined) await endCached(context, node, prepared, late, started);
  } catch (error) {
    await endBroken(context, node, error);
  }
}

function skipReason(context: RunContext, node: NodeState): readonly string[] | undefined {
  const blocking = node.parents.find(blocks);
  if (blocking !== undefined) {
    const root = rootOf(blocking);
    node.blockedBy = root;
    return [`${root.name} ${root.status}`];
  }
  const stop = context.stop.current();
  return stop === undefined ? undefined : [stopReason(stop.reason, stop.message)];
}

const stopReason = (reason: string, message: string): string =>
  reason === 'stopped' || reason === 'timeout' ? `the run stopped: ${message}` : message;

export async function endSkipped(context: RunContext, node: NodeState, why: readonly string[]): Promise<void> {
  await endNode(context, node, { status: 'skipped', attempt: 0, durationMs: 0, artifacts: [], why });
}

async function endCached(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  hit: Hit,
  started: number,
): Promise<void> {
  await endNode(context, node, {
    status: 'cached',
    attempt: 0,
    durationMs: Math.round(performance.now() - started),
    savedMs: hit.durationMs,
    cachedFrom: hit.run,
    artifacts: hit.artifacts,
    why: [],
    reports: hit.reports,
    producer: hit.task,
    prepared,
  });
}

/** What could not even start (a reference that does not resolve, an input that cannot be stored). */
async function endBroken(context: RunContext, node: NodeState, error: unknown): Promise<void> {
  if (error instanceof RunLost) throw error;
  if (isRunPipelineError(error) && error.kind === 'store') throw error;
  const record = errorRecord(error, context.project.cwd);
  if (isRunPipelineError(error) && error.kind === 'run') failRun(context, { ...record, message: `${node.name}: ${record.message}` });
  await endNode(context, node, {
    status: 'failed',
    attempt: node.attempt,
    durationMs: 0,
    artifacts: [],
    why: [],
    error: record,
  });
}

/** How a node ended, as the engine knows it; `endNode` commits it and wakes the children. */
export interface NodeEnd {
  readonly status: StepEnd['status'];
  readonly attempt: number;
  readonly durationMs: number;
  readonly savedMs?: number;
  readonly cachedFrom?: RunId;
  readonly artifacts: readonly StoredArtifact[];
  readonly why: readonly string[];
  readonly error?: NonNullable<StepEnd['error']>;
  readonly reports?: readonly Report[];
  readonly producer?: TaskId;
  readonly prepared?: Pick<Prepared, 'fingerprint' | 'parts' | 'package'>;
  /** What an executed attempt commits with it. */
  readonly commit?: Pick<Parameters<RunContext['log']['append']>[0], 'finish' | 'cacheEntry' | 'values'>;
}

export async function endNode(context: RunContext, node: NodeState, end: NodeEnd): Promise<void> {
  const event: StepEnd = {
    type: 'step.end',
    step: node.name,
    status: end.status,
    attempt: end.attempt,
    durationMs: end.durationMs,
    ...(end.savedMs === undefined ? {} : { savedMs: end.savedMs }),
    ...(end.prepared === undefined ? {} : { fingerprint: end.prepared.fingerprint }),
    ...(end.cachedFrom === undefined ? {} : { cachedFrom: end.cachedFrom }),
    artifacts: end.artifacts.map((artifact) => artifact.record),
    why: end.why,
    ...(end.error === undefined ? {} : { error: end.error }),
    ...(end.prepared === undefined ? {} : { dependencies: end.prepared.package.manifest.dependencies }),
  };
  const replayed = (end.reports ?? []).map((report) => ({
    type: 'step.report' as const,
    step: node.name,
    attempt: end.attempt,
    report,
  }));
  const announce = announcement(node);
  const written = context.log.append({
    events: [...announce, ...replayed, event],
    ...(end.artifacts.length === 0
      ? {}
      : { artifacts: end.artifacts.map((artifact) => ({ step: node.name, artifact })) }),
    ...(end.prepared === undefined ? {} : { preimages: [preimage(node, end.prepared)] }),
    ...(end.status !== 'cached' || end.prepared === undefined
      ? {}
      : { hits: [{ step: node.name, fingerprint: end.prepared.fingerprint }] }),
    ...end.commit,
  });
  // What a hit gives is committed already, by the run it came from: children may look on at once. They
  // do not execute before this commit is durable, too (`execute` waits for the log).
  if (end.status !== 'cached' || hasCallbacks(node)) await written;
  node.announced = true;
  node.attempt = end.attempt;
  node.artifacts = new Map(end.artifacts.map((artifact) => [artifact.record.name, artifact]));
  node.error = end.error;
  if (end.producer !== undefined) node.producer = end.producer;
  await changeStatus(context, node, end.status);
  if (end.status !== 'skipped') await afterExecution(context, node);
  release(context, node);
}

const hasCallbacks = ({ definition: { options } }: NodeState): boolean =>
  options.postExecuteCallback !== undefined || options.statusChangeCallback !== undefined;

export function announcement(node: NodeState): readonly StepAdd[] {
  if (node.announced) return [];
  return [
    {
      type: 'step.add',
      steps: [
        {
          name: node.name,
          parents: node.parents.map((parent) => parent.name),
          ...(node.of === undefined ? {} : { of: node.of.name }),
        },
      ],
    },
  ];
}

const preimage = (
  node: NodeState,
  prepared: { readonly fingerprint: Fingerprint; readonly parts: readonly PreimagePart[] },
): { step: NodeState['name']; fingerprint: Fingerprint; parts: readonly PreimagePart[] } => ({
  step: node.name,
  fingerprint: prepared.fingerprint,
  parts: prepared.parts,
});

/** Tells who waits: after the commit, never before. */
function release(context: RunContext, node: NodeState): void {
  const { definition } = context;
  const broke = node.status === 'failed' || node.status === 'aborted';
  if (broke && definition.options.abortOnFailure && !node.definition.options.continueOnFail) {
    context.stop.request({ reason: 'failure', message: `${node.name} ${node.status}` });
  }
  node.ended.resolve();
  for (const child of node.dependents) {
    child.waiting -= 1;
    if (child.waiting === 0) context.schedule(child);
  }
}
