import type { Commit, CommitResult } from '@run-pipeline/core/ports';
import { keepCacheEntry } from './cache-entries.js';
import { keepPreimages } from './preimages.js';
import type { RunState } from './rows/run.js';
import {
  appendEvents,
  assertDense,
  keepArtifacts,
  keepValues,
  missingBlob,
  neededBlobs,
  staleEpoch,
  staleFence,
} from './rules/commit.js';
import { requireRun } from './runs.js';
import { finishTask, mayFinish } from './tasks.js';
import type { WriteBatch } from './write-batch.js';

/**
 * One step forward of a run. All checks come before the first write, so that a refused commit leaves
 * the other changes of its transaction alone.
 */
export function applyCommit(batch: WriteBatch, commit: Commit): CommitResult {
  const run = requireRun(batch, commit.run);
  const refused = refuse(batch, run, commit);
  if (refused !== undefined) return refused;
  assertDense(run, commit.events);

  keepValues(batch, run, commit);
  appendEvents(batch, run, commit.events);
  keepArtifacts(batch, run, commit);
  for (const { fingerprint } of commit.hits ?? []) batch.useEntry(fingerprint);
  if (commit.finish !== undefined) finishTask(batch, commit.finish);
  if (commit.cacheEntry !== undefined) keepCacheEntry(batch, run, commit.cacheEntry);
  if (commit.preimages !== undefined) keepPreimages(batch, run, commit.preimages);
  return { ok: true };
}

function refuse(batch: WriteBatch, run: RunState, commit: Commit): CommitResult | undefined {
  if (commit.epoch !== run.epoch) return staleEpoch(run, commit.epoch);
  if (commit.finish !== undefined && !mayFinish(batch, commit.finish)) return staleFence(commit.finish);
  const { needed, brought } = neededBlobs(commit);
  const gone = new Set(batch.missingBlobs(needed.map(({ hash }) => hash)));
  return missingBlob(needed.filter(({ hash }) => gone.has(hash) && !brought.has(hash)));
}
