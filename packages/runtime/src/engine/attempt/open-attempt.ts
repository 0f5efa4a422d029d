import { taskId } from '@run-pipeline/core/model';
import type { AttemptState } from '@run-pipeline/core/ports';
import type { NodeState, RunContext } from '../context.js';
import { startPatience } from './patience.js';
import type { Prepared } from '../step/prepare.js';
import { outcomeOfEnding } from './task-spec.js';

/** An attempt that an earlier process of this run handed to a queue, to be followed from here. */
export interface OpenAttempt {
  readonly attempt: number;
  readonly queue: string;
  readonly told: Told;
}

/** What of an attempt the run's events have already. */
export interface Told {
  /** The newest attempt that has a `step.start`. */
  readonly started: number;
  /** The newest attempt whose end was taken. */
  readonly settled: number;
  /** Logs and reports, by attempt. */
  readonly rows: ReadonlyMap<number, number>;
}

export type FoundAttempt =
  | { readonly kind: 'open'; readonly open: OpenAttempt }
  /** Nothing is to be followed; `again`: although an agent has completed it, with other inputs. */
  | { readonly kind: 'none'; readonly again: boolean };

const NONE: FoundAttempt = { kind: 'none', again: false };

/**
 * What a resumed run finds of a step that was in a queue or on an agent when its process died. The same
 * fingerprint: it is followed, or its outcome is taken when it has ended meanwhile; nothing is executed
 * twice. Another one (a file, a variable changed): it is ended before the step begins anew.
 */
export async function findOpenAttempt(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
): Promise<FoundAttempt> {
  const recorded = context.recorded?.byName.get(node.name);
  if (recorded?.open !== true) return NONE;
  const state = await attemptOf(context, node);
  if (state === undefined || state.status === 'created') return NONE;
  // Its end was told although its agent had not ended it: it may still not, and then it is in the way.
  const isTold = state.attempt <= recorded.settled;
  if (isTold || state.identity !== prepared.fingerprint) return endOther(context, node, state);
  // What its run had stopped is what a resume is there to execute.
  if (state.status === 'aborted' && !(await timedOut(context, node))) {
    node.attempt = Math.max(node.attempt, state.attempt);
    return NONE;
  }
  const rows = await toldRows(context, node);
  const { settled, attempts: started } = recorded;
  const first = state.lost.find(({ attempt }) => attempt > settled)?.attempt ?? state.attempt;
  return {
    kind: 'open',
    open: { attempt: first, queue: state.queue ?? '', told: { settled, started, rows } },
  };
}

/** Counted page by page: a long log is not held whole. */
async function toldRows(context: RunContext, node: NodeState): Promise<Told['rows']> {
  const rows = new Map<number, number>();
  const query = { step: node.name, types: ['step.log', 'step.report'], limit: 500 } as const;
  for (let afterSeq = -1; ;) {
    const events = await context.project.store.readEvents(context.row.id, { ...query, afterSeq });
    for (const event of events)
      if ('attempt' in event) rows.set(event.attempt, (rows.get(event.attempt) ?? 0) + 1);
    const last = events.at(-1);
    if (last === undefined) return rows;
    afterSeq = last.seq;
  }
}

async function attemptOf(context: RunContext, node: NodeState): Promise<AttemptState | undefined> {
  return (await context.project.store.readAttempts([node.task])).get(node.task);
}

async function timedOut(context: RunContext, node: NodeState): Promise<boolean> {
  const ending = await context.project.store.readTaskEnding(node.task);
  if (ending === undefined) return false;
  const { outcome } = outcomeOfEnding(ending);
  return outcome.status === 'aborted' && outcome.reason === 'timeout';
}

/** Takes it out of its queue, or has its agent end it, and waits until nobody executes it. */
async function endOther(context: RunContext, node: NodeState, found: AttemptState): Promise<FoundAttempt> {
  const { store } = context.project;
  const by = { run: context.row.id, epoch: context.row.epoch };
  const stop = { reason: 'stopped', message: 'what this step depends on has changed since' } as const;
  const following = context.attempts.follow(node.task, node.definition.options.resources);
  const patience = startPatience(context, following);
  try {
    let state: AttemptState | undefined = found;
    while (state?.status === 'queued' || state?.status === 'running') {
      if (patience.ended()) return NONE; // that it is still held is told when it is to be enqueued
      if (state.status === 'queued') await store.withdrawTask(node.task, state.attempt, by);
      else await store.requestTaskStop(node.task, state.attempt, stop, by);
      ({ state } = await following.next());
    }
    node.attempt = Math.max(node.attempt, state?.attempt ?? 0);
    return { kind: 'none', again: state?.status === 'completed' };
  } finally {
    patience.stop();
    following.end();
  }
}

/** What nothing of the resumed run came back to is not left to agents. */
export async function endForgottenAttempts(context: RunContext): Promise<void> {
  const { store } = context.project;
  const known = new Set([...context.nodes.values()].map(({ name }) => name as string));
  const forgotten = [...(context.recorded?.byName.values() ?? [])].filter(
    ({ open, name }) => open && !known.has(name),
  );
  const tasks = forgotten.map(({ name, task }) => task ?? taskId(`${context.row.id}.${name}`));
  const by = { run: context.row.id, epoch: context.row.epoch };
  const stop = { reason: 'stopped', message: 'the resumed pipeline did not call it again' } as const;
  for (const [task, { attempt, status }] of await store.readAttempts(tasks)) {
    if (status === 'queued') await store.withdrawTask(task, attempt, by);
    if (status === 'running') await store.requestTaskStop(task, attempt, stop, by);
  }
}
