import type { StepView } from '@run-pipeline/core/run-view';
import { isStepStatus } from './step-status.js';

/**
 * The filter of a run's steps, as text: `status:failed train`. Several statuses mean one of them; other
 * words must all stand in the name, the queue or the agent.
 */
export interface StepFilter {
  readonly isEmpty: boolean;
  matches(step: StepView): boolean;
}

export function stepFilter(text: string): StepFilter {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const statuses = new Set<string>();
  const parts: string[] = [];
  for (const word of words) {
    const status = word.startsWith('status:') ? word.slice('status:'.length) : undefined;
    if (status === undefined) parts.push(word);
    else if (isStepStatus(status)) statuses.add(status);
    else parts.push(word);
  }
  return {
    isEmpty: words.length === 0,
    matches: (step) =>
      (statuses.size === 0 || statuses.has(step.status)) &&
      parts.every((part) =>
        [step.name, step.queue, step.agent].some((field) => field?.toLowerCase().includes(part) === true),
      ),
  };
}
