import type { Commit, CommitResult, TaskFinish } from '@run-pipeline/core/ports';
import type { RunState } from '../rows/run.js';
import {
  appendEvents,
  assertDense,
  keepArtifacts,
  keepValues,
  missingBlob,
  neededBlobs,
  staleEpoch,
  staleFence,
} from '../rules/commit.js';
import { keepCacheEntry } from './cache-entries.js';
import type { WriteBatch } from './write-batch.js';

/**
 * One step forward of a run, whose row is locked from here on. All checks come before anything is added to
 * the batch, so that a refused commit leaves the other changes of its transaction alone.
 */
export async function applyCommit(batch: WriteBatch, commit: Commit): Promise<CommitResult> {
  const run = await batch.requireRun(commit.run);
  const refused = await refuse(batch, run, commit);
  if (refused !== undefined) return refused;
  assertDense(run, commit.events);

  keepValues(batch, run, commit);
  appendEvents(batch, run, commit.events);
  keepArtifacts(batch, run, commit);
  for (const { fingerprint } of commit.hits ?? []) batch.useEntry(fingerprint);
  if (commit.cacheEntry !== undefined) keepCacheEntry(batch, run, commit.cacheEntry);
  for (const preimage of commit.preimages ?? []) batch.preimages.add(run, preimage);
  return { ok: true };
}

async function refuse(batch: WriteBatch, run: RunState, commit: Commit): Promise<CommitResult | undefined> {
  if (commit.epoch !== run.epoch) return staleEpoch(run, commit.epoch);
  const { finish } = commit;
  const { needed, brought } = neededBlobs(commit);
  if (needed.length > 0) {
    if (finish !== undefined && !(await mayFinish(batch, finish))) return staleFence(finish);
    const gone = new Set(await batch.missingBlobs(needed.map(({ hash }) => hash)));
    const missing = missingBlob(needed.filter(({ hash }) => gone.has(hash) && !brought.has(hash)));
    if (missing !== undefined) return missing;
  }
  // The last check is the first write.
  return finish === undefined || (await finishTask(batch, finish)) ? undefined : staleFence(finish);
}

const HELD = `id = $1 AND fence = $2 AND status = 'running'`;

async function mayFinish(batch: WriteBatch, { task, fence }: TaskFinish): Promise<boolean> {
  return (await batch.query(`SELECT 1 FROM tasks WHERE ${HELD} FOR UPDATE`, [task, fence])).length > 0;
}

/** False: the attempt has ended, or was given to somebody else. */
async function finishTask(batch: WriteBatch, finish: TaskFinish): Promise<boolean> {
  const error = finish.error === undefined ? null : JSON.stringify(finish.error);
  const text = `UPDATE tasks SET status = $3, error = $4, lease_until = 0, finished_at = $5 WHERE ${HELD}`;
  return (await batch.run(text, [finish.task, finish.fence, finish.status, error, batch.now])) > 0;
}
