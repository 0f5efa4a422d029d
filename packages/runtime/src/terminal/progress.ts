import {
  isSuccess,
  type RunEvent,
  type RunId,
  type StepName,
  type StepOutcomeStatus,
} from '@run-pipeline/core/model';
import { applyEvent, emptyRunView, type RunView } from '@run-pipeline/core/run-view';

/**
 * A run while it goes on: the fold of its events (`RunView`), and what a footer needs at once: who is
 * running, and how far mapped steps are. Constant work per event. A mapped step (`score`) is not counted
 * itself once it has elements (`score[0]` …); its gather only closes the group.
 */
export class Progress {
  readonly running = new Map<StepName, RunningStep>();
  /** Those that wait for agents, in the order in which they began to. */
  readonly waiting = new Map<StepName, WaitingStep>();
  readonly groups = new Map<StepName, Group>();
  readonly counts: Record<StepOutcomeStatus, number> = {
    completed: 0,
    cached: 0,
    failed: 0,
    aborted: 0,
    skipped: 0,
  };
  /** Milliseconds that the cached steps took when they were executed. */
  savedMs = 0;
  #view: RunView = emptyRunView('' as RunId);

  get view(): RunView {
    return this.#view;
  }
  /** Steps known so far; a pipeline function and mapped steps add to it. */
  get total(): number {
    return this.#view.steps.size - this.groups.size;
  }
  get ended(): number {
    const { completed, cached, failed, aborted, skipped } = this.counts;
    return completed + cached + failed + aborted + skipped;
  }

  /** The mapped step that a node is an element of. */
  groupOf(step: StepName): Group | undefined {
    const of = this.#view.steps.get(step)?.of;
    return of === undefined ? undefined : this.groups.get(of);
  }

  apply(event: RunEvent, now: number): void {
    if (this.#view.lastSeq < 0 && this.#view.id !== event.run) this.#view = emptyRunView(event.run);
    if (event.seq <= this.#view.lastSeq) return;
    if (event.type === 'step.end') this.#end(event.step, event.status, event.savedMs ?? 0);
    if (event.type === 'run.resume') this.#forgetUnsuccessful();
    applyEvent(this.#view, event);
    switch (event.type) {
      case 'run.start':
      case 'step.add':
        for (const step of event.steps) if (step.of !== undefined) this.#addElement(step.name, step.of);
        return;
      case 'step.queue':
        this.waiting.set(event.step, { name: event.step, since: now, queue: event.queue });
        return;
      case 'step.start': {
        this.waiting.delete(event.step);
        const { step: name, attempt, agent } = event;
        this.running.set(name, { name, since: now, attempt, ...(agent === undefined ? {} : { agent }) });
        const group = this.groupOf(event.step);
        if (group !== undefined) {
          group.since ??= now;
          group.running.add(event.step);
        }
        return;
      }
      case 'step.retry':
        this.#stop(event.step);
        return;
      case 'run.resume':
        for (const step of this.running.keys()) this.#stop(step);
        this.waiting.clear();
        return;
      default:
        return;
    }
  }

  /** The steps that were skipped because of this one, nearest first. */
  skippedBelow(step: StepName): readonly StepName[] {
    const children = new Map<StepName, StepName[]>();
    for (const { name, parents } of this.#view.steps.values()) {
      for (const parent of parents) {
        const list = children.get(parent);
        if (list === undefined) children.set(parent, [name]);
        else list.push(name);
      }
    }
    const of = this.#view.steps.get(step)?.of;
    const reached = new Set<StepName>();
    const queue: StepName[] = of === undefined ? [step] : [step, of];
    for (let index = 0; index < queue.length; index++) {
      for (const child of children.get(queue[index]!) ?? []) {
        if (reached.has(child) || this.#view.steps.get(child)?.status !== 'skipped') continue;
        reached.add(child);
        queue.push(child);
      }
    }
    return [...reached];
  }

  #addElement(name: StepName, of: StepName): void {
    let group = this.groups.get(of);
    if (group === undefined) {
      group = {
        name: of,
        elements: new Set(),
        done: 0,
        cached: 0,
        failed: 0,
        skipped: 0,
        running: new Set(),
        since: undefined,
      };
      this.groups.set(of, group);
    }
    group.elements.add(name);
  }

  #stop(step: StepName): void {
    this.running.delete(step);
    this.waiting.delete(step);
    this.groupOf(step)?.running.delete(step);
  }

  /** On resume what did not succeed is still to come, for the view too. */
  #forgetUnsuccessful(): void {
    for (const { name, status } of this.#view.steps.values()) {
      if (isOutcome(status) && !isSuccess(status) && !this.groups.has(name)) this.#count(name, status, -1);
    }
  }

  #end(step: StepName, status: StepOutcomeStatus, savedMs: number): void {
    this.#stop(step);
    const before = this.#view.steps.get(step)?.status;
    if (this.groups.has(step)) return;
    if (before !== undefined && isOutcome(before)) this.#count(step, before, -1);
    this.#count(step, status, 1);
    if (status === 'cached') this.savedMs += savedMs;
  }

  #count(step: StepName, status: StepOutcomeStatus, by: 1 | -1): void {
    this.counts[status] += by;
    const group = this.groupOf(step);
    if (group === undefined) return;
    if (isSuccess(status)) group.done += by;
    if (status === 'cached') group.cached += by;
    if (status === 'failed' || status === 'aborted') group.failed += by;
    if (status === 'skipped') group.skipped += by;
  }
}

const isOutcome = (status: string): status is StepOutcomeStatus =>
  status === 'completed' ||
  status === 'cached' ||
  status === 'failed' ||
  status === 'aborted' ||
  status === 'skipped';

export interface RunningStep {
  readonly name: StepName;
  /** On the reporter's clock, milliseconds. */
  readonly since: number;
  readonly attempt: number;
  /** Absent: this process executes it. */
  readonly agent?: string;
}

export interface WaitingStep {
  readonly name: StepName;
  readonly since: number;
  readonly queue: string;
}

/** What waits, by queue: the one that has waited longest is named. */
export interface WaitingQueue {
  readonly queue: string;
  readonly first: WaitingStep;
  readonly count: number;
}

export function waitingQueues(progress: Pick<Progress, 'waiting'>): readonly WaitingQueue[] {
  const queues = new Map<string, WaitingQueue>();
  for (const step of progress.waiting.values()) {
    const known = queues.get(step.queue);
    queues.set(step.queue, {
      queue: step.queue,
      first: known?.first ?? step,
      count: (known?.count ?? 0) + 1,
    });
  }
  return [...queues.values()];
}

/** A mapped step and its elements. `done` counts the cached ones too. */
export interface Group {
  readonly name: StepName;
  readonly elements: Set<StepName>;
  done: number;
  cached: number;
  failed: number;
  skipped: number;
  readonly running: Set<StepName>;
  since: number | undefined;
}
