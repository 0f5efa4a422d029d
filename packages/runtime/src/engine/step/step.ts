import { isRunPipelineError } from '@run-pipeline/core/model';
import { beforeExecution, failRun } from '../run/callbacks.js';
import { abandonRecord, keepRecord } from './clone-record.js';
import { findHit, holdingIfFree, isRefreshed, whileClaimed, type Hit } from './cache.js';
import { endNode } from '../run/end-node.js';
import { execute } from './execute.js';
import { runMapped } from './each.js';
import { errorRecord, placedAtStep } from '../error-record.js';
import { findOpenAttempt, type OpenAttempt } from '../attempt/open-attempt.js';
import { prepare, type Prepared } from './prepare.js';
import { adoptByIdentity, adoptByName, adoptUnprepared } from '../run/recorded.js';
import { blocks, rootOf } from '../run/outcome.js';
import { reasonsToRun } from './reasons.js';
import { RunLost } from '../run/run-log.js';
import type { NodeState, RunContext } from '../context.js';

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
    node.given = prepared.template?.script.parameters;
    if (await adoptByIdentity(context, node, prepared)) return;
    const found = await findOpenAttempt(context, node, prepared);
    if (found.kind === 'open') return await followOn(context, node, prepared, found.open);

    const reuse = await findHit(context, node, prepared);
    if (reuse.hit !== undefined) return await endCached(context, node, prepared, reuse.hit, started);

    const late = await whileClaimed(context, node, prepared, async () => {
      const why = await reasonsToRun(context, node, prepared, reuse.miss);
      await keepRecord(context, node, prepared);
      await execute(context, node, prepared, { why, again: found.again });
    });
    if (late !== undefined) await endCached(context, node, prepared, late, started);
  } catch (error) {
    await endBroken(context, node, error);
  }
}

/** It is being executed, or was, by an agent: no result of another run takes its place. */
async function followOn(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  open: OpenAttempt,
): Promise<void> {
  const miss =
    prepared.cache === false ? 'uncached' : isRefreshed(context, node) ? ('refresh' as const) : 'none';
  const why = await reasonsToRun(context, node, prepared, miss);
  await holdingIfFree(context, node, prepared, () => execute(context, node, prepared, { why, open }));
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

export async function endSkipped(
  context: RunContext,
  node: NodeState,
  why: readonly string[],
): Promise<void> {
  adoptUnprepared(context, node);
  if (context.recorded !== undefined) await abandonRecord(context, node, why.join('; '));
  await endNode(context, node, { status: 'skipped', attempt: 0, durationMs: 0, artifacts: [], why });
}

async function endCached(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  hit: Hit,
  started: number,
): Promise<void> {
  if (context.recorded !== undefined) await abandonRecord(context, node, 'its result was in the cache');
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
  const { cwd } = context.project;
  const record = placedAtStep(errorRecord(error, cwd), node.definition, cwd);
  if (isRunPipelineError(error) && error.kind === 'run')
    failRun(context, { ...record, message: `${node.name}: ${record.message}` });
  await abandonRecord(context, node, record.message);
  await endNode(context, node, {
    status: 'failed',
    attempt: node.attempt,
    durationMs: 0,
    artifacts: [],
    why: [],
    error: record,
  });
}
