import type { RunEvent, StepName, StepOutcomeStatus } from '@run-pipeline/core/model';

/**
 * What the terminal counts while a run goes on: constant work per event, so that a run of ten thousand
 * steps costs no more than its events. A mapped step (`score`) is not counted itself once it has elements
 * (`score[0]` …); its gather only closes the group.
 */
export class Progress {
  readonly running = new Map<StepName, RunningStep>();
  readonly groups = new Map<StepName, Group>();
  readonly counts: Record<StepOutcomeStatus, number> = {
    completed: 0,
    cached: 0,
    failed: 0,
    aborted: 0,
    skipped: 0,
  };
  readonly #nodes = new Map<StepName, Node>();
  #groupsAsNodes = 0;

  /** Steps known so far; a pipeline function and mapped steps add to it. */
  get total(): number {
    return this.#nodes.size - this.#groupsAsNodes;
  }
  get ended(): number {
    const { completed, cached, failed, aborted, skipped } = this.counts;
    return completed + cached + failed + aborted + skipped;
  }

  /** The mapped step that a node is an element of. */
  groupOf(step: StepName): Group | undefined {
    const of = this.#nodes.get(step)?.of;
    return of === undefined ? undefined : this.groups.get(of);
  }

  apply(event: RunEvent, now: number): void {
    switch (event.type) {
      case 'run.start':
      case 'step.add':
        for (const step of event.steps) this.#add(step.name, step.parents, step.of);
        return;
      case 'step.start': {
        this.running.set(event.step, { name: event.step, since: now, attempt: event.attempt });
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
      case 'step.end':
        this.#end(event.step, event.status);
        return;
      case 'run.resume':
        for (const step of this.running.keys()) this.#stop(step);
        return;
      default:
        return;
    }
  }

  /** The steps that were skipped because of this one, nearest first. */
  skippedBelow(step: StepName): readonly StepName[] {
    const children = new Map<StepName, StepName[]>();
    for (const [name, node] of this.#nodes) {
      for (const parent of node.parents) {
        const list = children.get(parent);
        if (list === undefined) children.set(parent, [name]);
        else list.push(name);
      }
    }
    const of = this.#nodes.get(step)?.of;
    const reached = new Set<StepName>();
    const queue: StepName[] = of === undefined ? [step] : [step, of];
    for (let index = 0; index < queue.length; index++) {
      for (const child of children.get(queue[index]!) ?? []) {
        if (reached.has(child) || this.#nodes.get(child)?.status !== 'skipped') continue;
        reached.add(child);
        queue.push(child);
      }
    }
    return [...reached];
  }

  #add(name: StepName, parents: readonly StepName[], of: StepName | undefined): void {
    if (this.#nodes.has(name)) return;
    this.#nodes.set(name, { parents, of, status: undefined });
    if (of === undefined) return;
    let group = this.groups.get(of);
    if (group === undefined) {
      group = {
        name: of,
        total: 0,
        done: 0,
        cached: 0,
        failed: 0,
        skipped: 0,
        running: new Set(),
        since: undefined,
      };
      this.groups.set(of, group);
      if (this.#nodes.has(of)) this.#groupsAsNodes += 1;
    }
    group.total += 1;
  }

  #stop(step: StepName): void {
    this.running.delete(step);
    this.groupOf(step)?.running.delete(step);
  }

  #end(step: StepName, status: StepOutcomeStatus): void {
    this.#stop(step);
    const node = this.#nodes.get(step);
    if (node === undefined || node.status !== undefined) return;
    node.status = status;
    if (this.groups.has(step)) return;
    this.counts[status] += 1;
    const group = this.groupOf(step);
    if (group === undefined) return;
    if (status === 'completed' || status === 'cached') group.done += 1;
    if (status === 'cached') group.cached += 1;
    if (status === 'failed' || status === 'aborted') group.failed += 1;
    if (status === 'skipped') group.skipped += 1;
  }
}

export interface RunningStep {
  readonly name: StepName;
  /** On the reporter's clock, milliseconds. */
  readonly since: number;
  readonly attempt: number;
}

/** A mapped step and its elements. `done` counts the cached ones too. */
export interface Group {
  readonly name: StepName;
  total: number;
  done: number;
  cached: number;
  failed: number;
  skipped: number;
  readonly running: Set<StepName>;
  since: number | undefined;
}

interface Node {
  readonly parents: readonly StepName[];
  readonly of: StepName | undefined;
  status: StepOutcomeStatus | undefined;
}
