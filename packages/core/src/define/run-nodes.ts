import type { RunEvent } from '../model/events.js';
import type { StepStatus } from '../model/status.js';
import { applyEvent, emptyRunView, type RunView, type StepView } from '../run-view/index.js';

/** A step of the current run, as `getProcessedNodes()` and `getRunningNodes()` tell it at that moment. */
export interface RunNode {
  /** `train`, `score[0]`. */
  readonly name: string;
  readonly status: StepStatus;
  /** The current or last execution, from 1; 0: it was never executed. */
  readonly attempt: number;
  readonly parents: readonly string[];
  /** Id of the task that the step was or is executed as; absent for cached and skipped steps. */
  readonly executed?: string;
}

/** Follows the events of one run, for as much of it as nodes tell. */
export class RunNodes {
  #view: RunView | undefined;

  observe(event: RunEvent): void {
    // The bulk of a long run: nothing of it is asked for here.
    if (event.type === 'step.log' || event.type === 'step.report' || event.type === 'run.report') return;
    this.#view ??= emptyRunView(event.run);
    if (event.run === this.#view.id) applyEvent(this.#view, event);
  }

  /** Steps that have ended, in the order in which they came into the graph. */
  processed(): readonly RunNode[] {
    return this.#nodes(({ status }) => status !== 'created' && !isUnderWay(status));
  }

  /** Steps that are executed, and those that were handed to a queue or wait for their next attempt (`queued`). */
  running(): readonly RunNode[] {
    return this.#nodes(({ status }) => isUnderWay(status));
  }

  #nodes(wanted: (step: StepView) => boolean): readonly RunNode[] {
    const view = this.#view;
    if (view === undefined) return [];
    return [...view.steps.values()].filter(wanted).map((step) => ({
      name: step.name,
      status: step.status,
      attempt: step.attempts,
      parents: step.parents,
      ...(wasHandedOver(step) ? { executed: step.task ?? `${view.id}.${step.name}` } : {}),
    }));
  }
}

const isUnderWay = (status: StepStatus): boolean => status === 'running' || status === 'queued';
const wasHandedOver = ({ status, attempts }: StepView): boolean =>
  isUnderWay(status) || (attempts > 0 && status !== 'cached' && status !== 'skipped');
