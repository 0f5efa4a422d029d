import type { RunId, RunStatus } from '@run-pipeline/core/model';
import { RunPipelineError } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import { decodeOwner } from './owner.js';
import type { Row } from './row.js';

/** A run's row while a batch changes it; written once, at the end. */
export interface RunState {
  readonly n: number;
  readonly id: RunId;
  readonly pipeline: number;
  readonly leaseMs: number;
  epoch: number;
  /** JSON of a ProcessIdentity. */
  owner: string;
  status: string;
  lastSeq: number;
  leaseUntil: number;
  startedAt: string | null;
  finishedAt: string | null;
  stopRequested: string | null;
  changed: boolean;
}

/** What `runStateOf` reads, of `runs`. */
export const RUN_STATE_COLUMNS =
  'n, pipeline, lease_ms, epoch, owner, status, last_seq, lease_until, started_at, finished_at, stop_requested';

export function runStateOf(id: RunId, row: Row): RunState {
  const [n, pipeline, leaseMs, epoch, owner, status, lastSeq, leaseUntil, ...texts] = row as [
    number,
    number,
    number,
    number,
    string,
    string,
    number,
    number,
    string | null,
    string | null,
    string | null,
  ];
  const [startedAt, finishedAt, stopRequested] = texts;
  return {
    n,
    id,
    pipeline,
    leaseMs,
    epoch,
    owner,
    status,
    lastSeq,
    leaseUntil,
    startedAt,
    finishedAt,
    stopRequested,
    changed: false,
  };
}

/** The lease of a run that waits for an agent: `queued`, nobody's, and not lost. */
export const WAITING = 0;

/** What a run that has not ended is at. */
const OPEN: readonly RunStatus[] = ['queued', 'running'];

/** Those are asked for often, and have an index of their own. */
export const isOpen = (status: readonly RunStatus[]): boolean =>
  status.length === OPEN.length && OPEN.every((one) => status.includes(one));

/** The version counts up from plain integers alone: `1.0.0` does not count. */
export const integerVersion = (version: string | undefined): number =>
  version !== undefined && /^\d{1,15}$/.test(version) ? Number(version) : 0;

/** Of `runs r` and `pipelines p`. */
export const RUN_COLUMNS = `r.id, p.name, p.project, r.version, r.number, r.status, r.epoch, r.owner, r.lease_until,
    r.last_seq, r.created_at, r.started_at, r.finished_at, r.source, r.parent, r.stop_requested`;

export function runRowOf(row: Row, now: number): RunRow {
  const [
    id,
    pipeline,
    project,
    version,
    number,
    status,
    epoch,
    owner,
    leaseUntil,
    lastSeq,
    createdAt,
    ...rest
  ] = row as [
    RunId,
    string,
    string,
    string,
    number,
    RunStatus,
    number,
    string,
    number,
    number,
    number,
    string | null,
    string | null,
    string,
    RunId | null,
    string | null,
  ];
  const [startedAt, finishedAt, source, parent, stopRequested] = rest;
  return {
    id,
    pipeline,
    project,
    version,
    number,
    status,
    epoch,
    owner: decodeOwner(owner),
    leaseExpired: leaseUntil <= now,
    lastSeq,
    createdAt: new Date(createdAt).toISOString(),
    startedAt: startedAt ?? undefined,
    finishedAt: finishedAt ?? undefined,
    source,
    parent: parent ?? undefined,
    stopRequested: stopRequested ?? undefined,
    ...(status === 'queued' && leaseUntil === WAITING ? { queued: true as const } : {}),
  };
}

/** The row with the changes of a transaction that are not written yet. */
export function withState(row: RunRow, state: RunState, now: number): RunRow {
  return {
    ...row,
    epoch: state.epoch,
    owner: decodeOwner(state.owner),
    status: state.status as RunStatus,
    leaseExpired: state.leaseUntil <= now,
    lastSeq: state.lastSeq,
    startedAt: state.startedAt ?? undefined,
    finishedAt: state.finishedAt ?? undefined,
    stopRequested: state.stopRequested ?? undefined,
  };
}

export const unknownRun = (id: RunId): RunPipelineError =>
  new RunPipelineError({
    kind: 'store',
    code: 'unknown-run',
    message: `the store has no run ${id}`,
    help: 'It may have been removed by gc. `run-pipeline runs` lists what there is.',
  });
