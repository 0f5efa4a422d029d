import type { ErrorRecord, RunEventBody, TaskId } from '@run-pipeline/core/model';
import type { AttemptState, RunOwnership, TaskOutputRow } from '@run-pipeline/core/ports';
import { crashPoint } from '../../crash-points.js';
import type { ProjectPaths } from '../../project/project.js';
import type { TaskOutcome } from '../../workers/protocol.js';
import type { Attempted } from './attempt.js';
import { abortError, timeoutMessage, type Limit } from './abort-error.js';
import { changeStatus } from '../run/callbacks.js';
import { otherTask, type NodeState, type RunContext } from '../context.js';
import type { Following, Sighting } from './followed-attempts.js';
import type { OpenAttempt, Told } from './open-attempt.js';
import type { Prepared } from '../step/prepare.js';
import { startPatience } from './patience.js';
import { placedHere } from './placed-here.js';
import { RunLost } from '../run/run-log.js';
import { outcomeOfEnding } from './task-spec.js';
import { startTimer } from '../timer.js';

/**
 * Follows an attempt from its queue to its end. No slot is held, nothing but the store is between the run and
 * the agent: what an agent committed is turned into the run's events here, in order, once.
 *
 * - An attempt that was lost with its agent (or handed back) is told as a retry; the store has queued the
 *   next one already. It does not count as one of the step's own retries.
 * - The step's timeout covers the time in the queue, too, and begins anew with an attempt that was not the
 *   step's fault. What waits is withdrawn; what runs is asked to end, and waited for no longer than grace
 *   period and lease together: after that nobody who holds it can be alive.
 */
export async function followToEnd(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  open: OpenAttempt,
): Promise<AgentAttempt> {
  const following = context.attempts.follow(node.task, node.definition.options.resources);
  const followed = new FollowedAttempt({ context, node, prepared, open, following });
  try {
    return await followed.toEnd();
  } finally {
    followed.close();
  }
}

export type AgentAttempt =
  | { readonly kind: 'ended'; readonly attempted: Attempted }
  /** Nobody would have taken it: this process has to. */
  | { readonly kind: 'here'; readonly attempt: number };

/** Rows of output read at once: a flood is passed on piece by piece, never held whole. */
const PAGE = 64;

class FollowedAttempt {
  readonly #context: RunContext;
  readonly #node: NodeState;
  readonly #prepared: Prepared;
  readonly #following: Following;
  readonly #told: Told;
  #attempt: number;
  #queue: string;
  /** The newest attempt that has a `step.queue`, a `step.start`, from this process or (settled) its end. */
  #queued = 0;
  #started = 0;
  #settled: number;
  /** Of `#attempt`. */
  #lastRow = -1;
  #rowsToSkip: number;
  #limit: Limit | undefined;
  #timer: { readonly stop: () => void } | undefined;
  #patience: ReturnType<typeof startPatience> | undefined;
  #startedAt = performance.now();
  #askedToStop = 0;
  readonly #onStop = (): void => this.#end({ reason: 'stopped', message: this.#stopMessage() });

  constructor(options: {
    readonly context: RunContext;
    readonly node: NodeState;
    readonly prepared: Prepared;
    readonly open: OpenAttempt;
    readonly following: Following;
  }) {
    const { context, node, prepared, open, following } = options;
    this.#context = context;
    this.#node = node;
    this.#prepared = prepared;
    this.#following = following;
    this.#told = open.told;
    this.#attempt = open.attempt;
    this.#queue = open.queue;
    this.#settled = open.told.settled;
    this.#rowsToSkip = open.told.rows.get(open.attempt) ?? 0;
    this.#startTimer();
    const { signal } = context.stop;
    if (signal.aborted) this.#onStop();
    else signal.addEventListener('abort', this.#onStop, { once: true });
  }

  close(): void {
    this.#timer?.stop();
    this.#patience?.stop();
    this.#context.stop.signal.removeEventListener('abort', this.#onStop);
    this.#following.end();
  }

  async toEnd(): Promise<AgentAttempt> {
    for (;;) {
      const sighting = await this.#following.next();
      this.#assertOwner();
      const ended = await this.#react(sighting);
      if (ended !== undefined) return ended;
    }
  }

  async #react({ state, queue }: Sighting): Promise<AgentAttempt | undefined> {
    // Withdrawn by somebody (`queue clear`), or its row is gone.
    if (state === undefined || state.status === 'created') return this.#takenBack();
    await this.#tellLost(state);
    this.#moveTo(state.attempt);
    switch (state.status) {
      case 'queued': {
        await this.#tellQueued(state.queue ?? this.#queue);
        const { router, options } = this.#context;
        const isForAgents = this.#limit === undefined && !options.local && queue !== undefined;
        const waits = isForAgents && router.waits(queue);
        // Refused: an agent was faster, which the next sighting tells.
        const isBack = !waits && (await this.#withdraw());
        if (isForAgents && (waits || isBack)) router.seen(this.#node.definition, this.#queue, queue);
        return isBack ? this.#takenBack() : undefined;
      }
      case 'running':
        await this.#tellStart(state);
        await this.#tellOutput(state.outputs);
        return this.#limit === undefined ? undefined : await this.#endRunning(this.#limit);
      default:
        // Nobody had it when somebody aborted it: then it never started.
        if (!this.#wasStarted && state.agent !== undefined) await this.#tellStart(state);
        await this.#tellOutput(state.outputs);
        return await this.#ended();
    }
  }

  // ── what happened becomes the run's events ──

  /** Attempts that agents did not see to their end. */
  async #tellLost(state: AttemptState): Promise<void> {
    for (const lost of state.lost) {
      if (lost.attempt <= this.#settled || lost.attempt < this.#attempt) continue;
      this.#moveTo(lost.attempt);
      if (!this.#wasStarted) await this.#tellStart({ agent: lost.agent, executor: lost.executor });
      await this.#tellOutput(undefined);
      const error: ErrorRecord = { name: 'AgentLost', code: 'agent-lost', message: lost.reason };
      await this.#append({
        type: 'step.retry',
        step: this.#node.name,
        attempt: lost.attempt,
        error,
        delayMs: 0,
      });
      this.#settled = lost.attempt;
      await changeStatus(this.#context, this.#node, 'queued');
    }
  }

  #moveTo(attempt: number): void {
    this.#node.attempt = attempt;
    if (attempt === this.#attempt) return;
    this.#attempt = attempt;
    this.#lastRow = -1;
    this.#rowsToSkip = this.#told.rows.get(attempt) ?? 0;
    // It was not the step's fault: it has its whole time again.
    this.#startTimer();
  }

  async #tellQueued(queue: string): Promise<void> {
    if (this.#queued === this.#attempt) return;
    this.#queued = this.#attempt;
    this.#queue = this.#node.queue = queue;
    const { name } = this.#node;
    const { fingerprint, parts } = this.#prepared;
    await this.#context.log.append({
      events: [{ type: 'step.queue', step: name, attempt: this.#attempt, queue, ...this.#otherTask }],
      preimages: [{ step: name, fingerprint, parts }],
    });
    await changeStatus(this.#context, this.#node, 'queued');
  }

  /** By an earlier process of this run. */
  get #wasStarted(): boolean {
    return this.#attempt <= this.#told.started;
  }

  get #hasStarted(): boolean {
    return this.#wasStarted || this.#started === this.#attempt;
  }

  /** Once an attempt and process of the run: whoever reads the events learns after a resume that it goes on. */
  async #tellStart({ agent, executor }: Pick<AttemptState, 'agent' | 'executor'>): Promise<void> {
    if (this.#started === this.#attempt) return;
    if (!this.#wasStarted) await this.#tellQueued(this.#queue);
    this.#started = this.#attempt;
    this.#startedAt = performance.now();
    await this.#append({
      type: 'step.start',
      step: this.#node.name,
      attempt: this.#attempt,
      ...this.#otherTask,
      ...(agent === undefined ? {} : { agent }),
      ...(executor === undefined ? {} : { host: executor.host, pid: executor.pid }),
    });
    await changeStatus(this.#context, this.#node, 'running');
  }

  get #otherTask(): { readonly task?: TaskId } {
    return otherTask(this.#context.row.id, this.#node, this.#node.task);
  }

  /** `rows` as far as the store has them, when that is known: a look that would find nothing is not made. */
  async #tellOutput(rows: number | undefined): Promise<void> {
    while (rows === undefined || this.#lastRow + 1 < rows) {
      const page = await this.#context.project.store.readTaskOutput(this.#node.task, {
        attempt: this.#attempt,
        afterSeq: this.#lastRow,
        limit: PAGE,
      });
      const last = page.at(-1);
      if (last === undefined) return;
      this.#lastRow = last.seq;
      const events = page.flatMap((row) => this.#eventOf(row));
      if (events.length > 0) await this.#append(...events);
    }
  }

  #eventOf(row: TaskOutputRow): readonly RunEventBody[] {
    // What it uploads is told with its end, as of every step.
    if (row.kind === 'artifact') return [];
    if (this.#rowsToSkip > 0) {
      this.#rowsToSkip -= 1;
      return [];
    }
    const { name: step } = this.#node;
    const { attempt } = row;
    return row.kind === 'log'
      ? [{ type: 'step.log', step, attempt, stream: row.stream, text: row.text }]
      : [{ type: 'step.report', step, attempt, report: row.report }];
  }

  #append(...events: readonly RunEventBody[]): Promise<void> {
    return this.#context.log.append({ events });
  }

  // ── how it ends ──

  async #ended(): Promise<AgentAttempt | undefined> {
    const ending = await this.#context.project.store.readTaskEnding(this.#node.task);
    if (ending?.attempt !== this.#attempt) return undefined; // the next sighting tells
    crashPoint('attempt-ended-on-agent');
    const { outcome, durationMs } = outcomeOfEnding(ending);
    const limit = this.#limit;
    return this.#over(
      outcome.status === 'aborted' && limit !== undefined
        ? abortedBy(limit)
        : outcomeHere(outcome, this.#context.project),
      durationMs === undefined ? {} : { durationMs },
    );
  }

  #over(outcome: TaskOutcome, more: Partial<Attempted> = {}): AgentAttempt {
    return {
      kind: 'ended',
      attempted: {
        outcome,
        attempt: this.#attempt,
        durationMs: this.#hasStarted ? Math.round(performance.now() - this.#startedAt) : 0,
        started: this.#hasStarted,
        preimageKept: this.#queued > 0 || this.#wasStarted,
        fence: undefined,
        // An agent's environments are never changed once they are made.
        sameInstallation: true,
        ...more,
      },
    };
  }

  /** Nobody executes it: because it is to end, or so that this process does. */
  #takenBack(): AgentAttempt {
    const limit = this.#limit;
    if (limit === undefined) return { kind: 'here', attempt: this.#attempt };
    const error = { ...abortError(limit), message: `${limit.message}, waiting in queue "${this.#queue}"` };
    return this.#over({ status: 'aborted', reason: limit.reason, error });
  }

  #withdraw(): Promise<boolean> {
    return this.#context.project.store.withdrawTask(this.#node.task, this.#attempt, this.#ownership);
  }

  async #endRunning(limit: Limit): Promise<AgentAttempt | undefined> {
    if (this.#patience?.ended() === true) {
      const error = { ...abortError(limit), message: `${limit.message}; its agent did not end it` };
      return this.#over({ status: 'aborted', reason: limit.reason, error }, { abandoned: true });
    }
    if (this.#askedToStop === this.#attempt) return undefined;
    this.#askedToStop = this.#attempt;
    const { task } = this.#node;
    await this.#context.project.store.requestTaskStop(task, this.#attempt, limit, this.#ownership);
    this.#patience ??= startPatience(this.#context, this.#following);
    return undefined;
  }

  #startTimer(): void {
    this.#timer?.stop();
    const { timeout } = this.#node.definition.options;
    if (timeout === undefined) return;
    const message = timeoutMessage(this.#node.name, timeout);
    this.#timer = startTimer(timeout, () => this.#end({ reason: 'timeout', message }));
  }

  #end(limit: Limit): void {
    this.#limit ??= limit;
    this.#following.wake();
  }

  #stopMessage(): string {
    return this.#context.stop.current()?.message ?? 'the run stops';
  }

  get #ownership(): RunOwnership {
    return { run: this.#context.row.id, epoch: this.#context.row.epoch };
  }

  /** Whoever took the run over follows its attempts now. */
  #assertOwner(): void {
    const stop = this.#context.stop.current();
    if (stop?.reason === 'lost') throw new RunLost(stop.message);
  }
}

function outcomeHere(outcome: TaskOutcome, paths: ProjectPaths): TaskOutcome {
  if (outcome.status === 'completed' || outcome.error === undefined) return outcome;
  return { ...outcome, error: placedHere(outcome.error, paths) };
}

const abortedBy = (limit: Limit): TaskOutcome => ({
  status: 'aborted',
  reason: limit.reason,
  error: abortError(limit),
});
