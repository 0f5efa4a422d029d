import type { TaskStatus } from '@run-pipeline/core/model';
import type { NewJob, Store } from '@run-pipeline/core/ports';
import type { TaskState } from '../rows/task-state.js';

type Refused = Extract<Awaited<ReturnType<Store['enqueueTask']>>, { readonly ok: false }>;

/** What the rule looks at; of a record of its own whether there is one. */
interface Place {
  readonly job: NewJob;
  readonly run: { readonly n: number; readonly epoch: number } | undefined;
  readonly hasRecord: boolean;
  readonly state: TaskState | undefined;
  readonly now: number;
}

/** Why a job may not be queued; undefined: it may. */
export function refuseJob({ job, run, hasRecord, state, now }: Place): Refused | undefined {
  if (job.run !== undefined) {
    if (run === undefined) return { ok: false, reason: 'unknown' };
    if (run.epoch !== job.run.epoch) return { ok: false, reason: 'stale-epoch' };
    // A step of this run that the run itself was executing, as an older owner or too long ago.
    if (state?.status === 'running' && state.run === run.n && state.agent === null) {
      if (state.epoch < run.epoch || state.leaseUntil <= now) return undefined;
    }
  } else if (!hasRecord) {
    return { ok: false, reason: 'unknown' };
  }
  const ended = job.run?.again === true ? ENDED : ENDED_BADLY;
  const free = state === undefined || state.status === 'created' || ended.includes(state.status);
  return free ? undefined : { ok: false, reason: 'status', status: state.status };
}

const ENDED_BADLY: readonly TaskStatus[] = ['failed', 'aborted'];
const ENDED: readonly TaskStatus[] = [...ENDED_BADLY, 'completed'];

/** Numbers are never given twice, but for those of attempts that were withdrawn. */
export const nextAttempt = (job: NewJob, state: TaskState | undefined): number =>
  Math.max(job.run?.attempt ?? 1, (state?.attempt ?? 0) + 1);
