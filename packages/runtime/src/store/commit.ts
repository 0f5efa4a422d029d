import type { ArtifactRecord, Digest, Report, RunEvent, StepName } from '@run-pipeline/core/model';
import type { Commit, CommitResult } from '@run-pipeline/core/ports';
import { keepCacheEntry } from './cache-entries.js';
import { keepPreimages } from './preimages.js';
import { requireRun } from './runs.js';
import { finishTask, mayFinish } from './tasks.js';
import type { RunState, WriteBatch } from './write-batch.js';

/**
 * One step forward of a run. All checks come before the first write, so that a refused commit leaves
 * the other changes of its transaction alone.
 */
export function applyCommit(batch: WriteBatch, commit: Commit): CommitResult {
  const run = requireRun(batch, commit.run);
  const refused = refuse(batch, run, commit);
  if (refused !== undefined) return refused;
  assertDense(run, commit.events);

  for (const { hash, bytes } of commit.values ?? []) {
    batch.addBlob(hash, bytes.byteLength, bytes);
    batch.runPins.add(run.n, hash);
  }
  appendEvents(batch, run, commit.events);
  keepArtifacts(batch, run, commit);
  for (const { fingerprint } of commit.hits ?? []) batch.useEntry(fingerprint);
  if (commit.finish !== undefined) finishTask(batch, commit.finish);
  if (commit.cacheEntry !== undefined) keepCacheEntry(batch, run, commit.cacheEntry);
  if (commit.preimages !== undefined) keepPreimages(batch, run, commit.preimages);
  return { ok: true };
}

function refuse(batch: WriteBatch, run: RunState, commit: Commit): CommitResult | undefined {
  if (commit.epoch !== run.epoch) {
    const message = `run ${run.id} was taken over by another process (epoch ${run.epoch}, not ${commit.epoch})`;
    return { ok: false, reason: 'stale-epoch', message };
  }
  if (commit.finish !== undefined && !mayFinish(batch, commit.finish)) {
    const message = `attempt with fence ${commit.finish.fence} of task ${commit.finish.task} has ended or was given to another process`;
    return { ok: false, reason: 'stale-fence', message };
  }
  const missing = missingOfHits(batch, commit);
  const first = missing[0];
  if (first === undefined) return undefined;
  const message = `the cached artifact ${first.hash} of ${first.step} was removed (by gc) after it was found`;
  return { ok: false, reason: 'missing-blob', hash: first.hash, missing, message };
}

/** The blobs that hits rely on, that are gone, and whose bytes this commit does not bring itself. */
function missingOfHits(batch: WriteBatch, commit: Commit): readonly NeededBlob[] {
  const steps = hitSteps(commit);
  if (steps.size === 0) return [];
  const needed: NeededBlob[] = [];
  const brought = new Set<Digest>(commit.values?.map(({ hash }) => hash));
  for (const { step, artifact } of commit.artifacts ?? []) {
    if (!steps.has(step)) continue;
    needed.push({ step, hash: artifact.record.hash });
    if (artifact.inline !== undefined) brought.add(artifact.record.hash);
  }
  for (const event of commit.events) {
    if (event.type !== 'step.report' || !steps.has(event.step)) continue;
    const record = reportArtifact(event.report);
    if (record !== undefined) needed.push({ step: event.step, hash: record.hash });
  }
  const gone = new Set(batch.missingBlobs(needed.map(({ hash }) => hash)));
  return needed.filter(({ hash }) => gone.has(hash) && !brought.has(hash));
}
const hitSteps = (commit: Commit): ReadonlySet<string> => new Set(commit.hits?.map(({ step }) => step));

interface NeededBlob {
  readonly step: StepName;
  readonly hash: Digest;
}

const reportArtifact = (report: Report): ArtifactRecord | undefined =>
  'artifact' in report ? report.artifact : undefined;

/** A gap or an overlap would corrupt the run's only history: a bug of the caller, never data. */
function assertDense(run: RunState, events: readonly RunEvent[]): void {
  events.forEach((event, index) => {
    const expected = run.lastSeq + 1 + index;
    if (event.seq !== expected) {
      throw new Error(
        `event ${event.type} of run ${run.id} has seq ${event.seq}; the next one is ${expected}`,
      );
    }
    if (event.run !== run.id)
      throw new Error(`event ${event.type} belongs to run ${event.run}, not to ${run.id}`);
  });
}

function appendEvents(batch: WriteBatch, run: RunState, events: readonly RunEvent[]): void {
  run.leaseUntil = batch.now + run.leaseMs; // who commits, lives
  for (const event of events) {
    batch.events.add(
      run.n,
      event.seq,
      event.type,
      'step' in event ? event.step : null,
      JSON.stringify(event),
    );
    switch (event.type) {
      case 'run.start':
        run.status = 'running';
        run.startedAt = event.ts;
        break;
      case 'run.resume':
        run.status = 'running';
        run.finishedAt = null;
        break;
      case 'run.end':
        run.status = event.status;
        run.finishedAt = event.ts;
        run.leaseUntil = 0;
        break;
      case 'step.report': {
        const record = reportArtifact(event.report);
        if (record === undefined) break;
        batch.addBlob(record.hash, record.size, undefined);
        batch.runPins.add(run.n, record.hash);
        break;
      }
      default:
    }
  }
  run.lastSeq += events.length;
  run.changed = true;
}

function keepArtifacts(batch: WriteBatch, run: RunState, commit: Commit): void {
  if (commit.artifacts === undefined) return;
  const hits = hitSteps(commit);
  const told = new Set<string>();
  for (const event of commit.events) {
    if (event.type !== 'step.end') continue;
    for (const record of event.artifacts) told.add(`${event.step} ${record.name} ${record.hash}`);
  }
  commit.artifacts.forEach(({ step, artifact }, position) => {
    const { record } = artifact;
    const there = hits.has(step) && batch.hasBlob(record.hash);
    batch.addBlob(record.hash, record.size, there ? undefined : artifact.inline);
    // The event already has the record with its preview: once is enough.
    const text = told.has(`${step} ${record.name} ${record.hash}`) ? null : JSON.stringify(record);
    batch.artifacts.add(run.n, step, record.name, position, record.hash, text);
  });
}
