import type { ArtifactRecord, Digest, Report, RunEvent, StepName } from '@run-pipeline/core/model';
import type { Commit, CommitResult } from '@run-pipeline/core/ports';
import type { RunState } from '../rows/run.js';

/** Rows that wait to be written at the end of a transaction. */
export interface CommitRows {
  readonly now: number;
  readonly events: { add(...row: (number | string | null)[]): void };
  readonly artifacts: { add(...row: (number | string | null)[]): void };
  readonly runPins: { add(run: number, hash: string): void };
  addBlob(hash: Digest, size: number, bytes: Uint8Array | undefined): void;
  hasBlob(hash: Digest): boolean;
}

export interface NeededBlob {
  readonly step: StepName;
  readonly hash: Digest;
}

const hitSteps = (commit: Commit): ReadonlySet<string> => new Set(commit.hits?.map(({ step }) => step));

const reportArtifact = (report: Report): ArtifactRecord | undefined =>
  'artifact' in report ? report.artifact : undefined;

/** What hits rely on. `brought`: the commit has the bytes itself, should they be gone. */
export function neededBlobs(commit: Commit): {
  readonly needed: readonly NeededBlob[];
  readonly brought: ReadonlySet<Digest>;
} {
  const steps = hitSteps(commit);
  const needed: NeededBlob[] = [];
  const brought = new Set<Digest>(commit.values?.map(({ hash }) => hash));
  if (steps.size === 0) return { needed, brought };
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
  return { needed, brought };
}

export const staleEpoch = (run: RunState, epoch: number): CommitResult => ({
  ok: false,
  reason: 'stale-epoch',
  message: `run ${run.id} was taken over by another process (epoch ${run.epoch}, not ${epoch})`,
});

export const staleFence = ({ task, fence }: NonNullable<Commit['finish']>): CommitResult => ({
  ok: false,
  reason: 'stale-fence',
  message: `attempt with fence ${fence} of task ${task} has ended or was given to another process`,
});

/** `undefined` when nothing is. */
export function missingBlob(missing: readonly NeededBlob[]): CommitResult | undefined {
  const first = missing[0];
  if (first === undefined) return undefined;
  const message = `the cached artifact ${first.hash} of ${first.step} was removed (by gc) after it was found`;
  return { ok: false, reason: 'missing-blob', hash: first.hash, missing, message };
}

/** A gap or an overlap would corrupt the run's only history: a bug of the caller, never data. */
export function assertDense(run: RunState, events: readonly RunEvent[]): void {
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

export function keepValues(rows: CommitRows, run: RunState, commit: Commit): void {
  for (const { hash, bytes } of commit.values ?? []) {
    rows.addBlob(hash, bytes.byteLength, bytes);
    rows.runPins.add(run.n, hash);
  }
}

/** `run.start` and `run.end` move the run's row. */
export function appendEvents(rows: CommitRows, run: RunState, events: readonly RunEvent[]): void {
  run.leaseUntil = rows.now + run.leaseMs; // who commits, lives
  for (const event of events) {
    const step = 'step' in event ? event.step : null;
    rows.events.add(run.n, event.seq, event.type, step, JSON.stringify(event));
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
        rows.addBlob(record.hash, record.size, undefined);
        rows.runPins.add(run.n, record.hash);
        break;
      }
      default:
    }
  }
  run.lastSeq += events.length;
  run.changed = true;
}

export function keepArtifacts(rows: CommitRows, run: RunState, commit: Commit): void {
  if (commit.artifacts === undefined) return;
  const hits = hitSteps(commit);
  const told = new Set<string>();
  for (const event of commit.events) {
    if (event.type !== 'step.end') continue;
    for (const record of event.artifacts) told.add(`${event.step} ${record.name} ${record.hash}`);
  }
  commit.artifacts.forEach(({ step, artifact }, position) => {
    const { record } = artifact;
    const there = hits.has(step) && rows.hasBlob(record.hash);
    rows.addBlob(record.hash, record.size, there ? undefined : artifact.inline);
    // The event already has the record with its preview: once is enough.
    const text = told.has(`${step} ${record.name} ${record.hash}`) ? null : JSON.stringify(record);
    rows.artifacts.add(run.n, step, record.name, position, record.hash, text);
  });
}
