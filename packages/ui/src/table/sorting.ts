import type { StepView } from '@run-pipeline/core/run-view';
import { STEP_STATUSES } from '../design/status.js';

export const COLUMNS = ['order', 'status', 'name', 'duration', 'start', 'attempts', 'artifacts'] as const;
export type Column = (typeof COLUMNS)[number];

/** `-duration`: by duration, the largest first. */
export interface Sorting {
  readonly by: Column;
  readonly descending: boolean;
}

export function parseSorting(text: string | null): Sorting {
  const descending = text?.startsWith('-') === true;
  const by = COLUMNS.find((column) => column === (descending ? text?.slice(1) : text)) ?? 'order';
  return { by, descending: by !== 'order' && descending };
}

/** One click more on a column: upwards, downwards, as it was. Numbers are looked at from the largest. */
export function nextSorting(now: Sorting, column: Column): string | undefined {
  const largestFirst = column === 'duration' || column === 'attempts' || column === 'artifacts';
  const first = largestFirst ? `-${column}` : column;
  const second = largestFirst ? column : `-${column}`;
  if (now.by !== column) return first;
  return now.descending === largestFirst ? second : undefined;
}

/** Sorted; equal ones stay in the order of the graph. What is not known comes last, whichever way. */
export function sorted(steps: readonly StepView[], { by, descending }: Sorting): readonly StepView[] {
  if (by === 'order') return steps;
  const key = KEYS[by];
  const way = descending ? -1 : 1;
  return steps
    .map((step) => ({ step, value: key(step) }))
    .sort((a, b) => {
      if (a.value === b.value) return 0;
      if (a.value === undefined) return 1;
      if (b.value === undefined) return -1;
      return (a.value < b.value ? -1 : 1) * way;
    })
    .map(({ step }) => step);
}

const KEYS: Readonly<Record<Exclude<Column, 'order'>, (step: StepView) => string | number | undefined>> = {
  status: (step) => STEP_STATUSES.indexOf(step.status),
  name: (step) => step.name,
  duration: (step) => (step.status === 'cached' || step.status === 'skipped' ? undefined : step.durationMs),
  start: (step) => step.startedAt ?? step.finishedAt,
  attempts: (step) => step.attempts,
  artifacts: (step) =>
    step.artifacts.length === 0 ? undefined : step.artifacts.reduce((sum, { size }) => sum + size, 0),
};
