import type { StepSpan } from './view.js';

type Spans = readonly StepSpan[] | undefined;

/** The same with the open stretch ended, and another one begun. */
export const beginSpan = (spans: Spans, next: StepSpan): readonly StepSpan[] => [
  ...endSpan(spans, { at: next.from, failed: false }),
  next,
];

/** The same with the open stretch ended; nothing changes when none is open. */
export function endSpan(
  spans: Spans,
  end: { readonly at: string; readonly failed: boolean },
): readonly StepSpan[] {
  const last = spans?.at(-1);
  if (spans === undefined || last === undefined || last.to !== undefined) return spans ?? [];
  const ended: StepSpan = {
    ...last,
    to: end.at,
    ...(end.failed && last.kind === 'run' ? { failed: true } : {}),
  };
  return [...spans.slice(0, -1), ended];
}
