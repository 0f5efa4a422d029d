import type { StepName } from '@run-pipeline/core/model';
import type { RunView, StepView } from '@run-pipeline/core/run-view';

/** A stretch of a row, in milliseconds since the run began. */
export interface Segment {
  /** `group`: of a mapped step, from its first element to its last. */
  readonly kind: 'wait' | 'queue' | 'run' | 'retry' | 'instant' | 'group';
  readonly from: number;
  readonly to: number;
  readonly failed: boolean;
  readonly attempt: number;
}
export interface Row {
  readonly step: StepView;
  readonly segments: readonly Segment[];
  readonly critical: boolean;
}
export interface Timeline {
  readonly rows: readonly Row[];
  /** Milliseconds from the first start to the last end, or to now. */
  readonly length: number;
  /** The chain of steps that made the run as long as it is, from its first. */
  readonly critical: readonly StepName[];
  /** What the steps of that chain executed, together. */
  readonly criticalMs: number;
}

/** When it was taken up, however long it had waited for that. */
const beginning = ({ segments }: Pick<Row, 'segments'>): number =>
  (segments.find(({ kind }) => kind !== 'wait') ?? segments[0])?.from ?? 0;

/** A wait shorter than this is the machinery's own time, and not seen anyway. */
const LEAST_WAIT = 0.002;

/** Rows in the order in which they began; those that have not begun are left out. */
export function timeline(view: RunView, steps: readonly StepView[], now: number): Timeline {
  const start = view.startedAt === undefined ? (earliest(view) ?? now) : Date.parse(view.startedAt);
  // What a lost run did since nobody knows.
  const end =
    view.finishedAt !== undefined
      ? Date.parse(view.finishedAt)
      : view.status === 'lost'
        ? lastKnown(view, start)
        : now;
  const length = Math.max(1, end - start, ...lastEnds(view, start));
  const groups = groupSpans(view, end);
  const critical = criticalPath(view, groups);
  const onPath = new Set<string>(critical);
  const rows = steps
    .map((step) => ({
      step,
      segments: segmentsOf(view, step, { start, now: end, length, group: groups.get(step.name) }),
      critical: onPath.has(step.name),
    }))
    .filter(({ segments }) => segments.length > 0)
    .sort((a, b) => beginning(a) - beginning(b));
  const criticalMs = critical.reduce((sum, name) => {
    const group = groups.get(name);
    return sum + (group === undefined ? executed(view.steps.get(name), end) : group.to - group.from);
  }, 0);
  return { rows, length, critical, criticalMs };
}

/**
 * Milliseconds. As everywhere what the step measured itself: the bar of its one attempt is longer by the way to the
 * process and back.
 */
export function timeTaken({ step, segments }: Pick<Row, 'step' | 'segments'>): number {
  const ran = segments.filter(({ kind }) => kind === 'run' || kind === 'group');
  if (ran.length === 1 && ran[0]?.kind === 'run' && step.durationMs !== undefined) return step.durationMs;
  return ran.reduce((sum, { from, to }) => sum + to - from, 0);
}

function segmentsOf(
  view: RunView,
  step: StepView,
  time: {
    readonly start: number;
    readonly now: number;
    readonly length: number;
    readonly group: Span | undefined;
  },
): readonly Segment[] {
  const at = (iso: string): number => Math.max(0, Date.parse(iso) - time.start);
  const spans = step.spans ?? [];
  if (time.group !== undefined)
    return [
      {
        kind: 'group',
        from: Math.max(0, time.group.from - time.start),
        to: time.group.to - time.start,
        failed: step.status === 'failed',
        attempt: 1,
      },
    ];
  if (spans.length === 0) {
    if (step.finishedAt === undefined || step.status === 'skipped' || step.status === 'created') return [];
    const moment = at(step.finishedAt);
    return [
      { kind: 'instant', from: moment, to: moment, failed: step.status === 'failed', attempt: step.attempts },
    ];
  }
  const segments: Segment[] = [];
  const first = at(spans[0]!.from);
  const ready = Math.max(
    0,
    ...step.parents.map((name) =>
      view.steps.get(name)?.finishedAt === undefined ? 0 : at(view.steps.get(name)!.finishedAt!),
    ),
  );
  if (ready < first && first - ready > time.length * LEAST_WAIT)
    segments.push({ kind: 'wait', from: ready, to: first, failed: false, attempt: 1 });
  for (const span of spans)
    segments.push({
      kind: span.kind,
      from: at(span.from),
      to: span.to === undefined ? Math.max(at(span.from), time.now - time.start) : at(span.to),
      failed: span.failed === true,
      attempt: span.attempt,
    });
  return segments;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Of each mapped step whose elements executed: when the first began, when the last ended. */
function groupSpans(view: RunView, now: number): ReadonlyMap<string, Span> {
  const found = new Map<string, Span>();
  for (const { of, spans } of view.steps.values()) {
    if (of === undefined || spans === undefined) continue;
    for (const span of spans) {
      const from = Date.parse(span.from);
      const to = span.to === undefined ? Math.max(now, from) : Date.parse(span.to);
      const known = found.get(of);
      found.set(of, { from: Math.min(from, known?.from ?? from), to: Math.max(to, known?.to ?? to) });
    }
  }
  return found;
}

/** From the step that ended last, each time to the parent that ended last. */
function criticalPath(view: RunView, mapped: ReadonlyMap<string, Span>): readonly StepName[] {
  let last: StepView | undefined;
  for (const step of view.steps.values()) {
    const executes = (step.spans?.length ?? 0) > 0 || mapped.has(step.name);
    if (step.of === undefined && executes && (last === undefined || endOf(step) > endOf(last))) last = step;
  }
  const path: StepName[] = [];
  const seen = new Set<string>();
  for (let step = last; step !== undefined && !seen.has(step.name);) {
    seen.add(step.name);
    path.unshift(step.name);
    let before: StepView | undefined;
    for (const name of step.parents) {
      const parent = view.steps.get(name);
      if (parent === undefined || parent.status === 'skipped') continue;
      if (before === undefined || endOf(parent) > endOf(before)) before = parent;
    }
    step = before;
  }
  return path;
}

/** Something that goes on ends after everything that has ended. */
const endOf = (step: StepView): string =>
  step.status === 'running' || step.status === 'queued' ? '9999' : (step.finishedAt ?? '');

const executed = (step: StepView | undefined, now: number): number =>
  (step?.spans ?? []).reduce(
    (sum, span) =>
      span.kind === 'run'
        ? sum + Math.max(0, (span.to === undefined ? now : Date.parse(span.to)) - Date.parse(span.from))
        : sum,
    0,
  );

const earliest = (view: RunView): number | undefined => {
  let first: number | undefined;
  for (const { startedAt } of view.steps.values())
    if (startedAt !== undefined && (first === undefined || Date.parse(startedAt) < first))
      first = Date.parse(startedAt);
  return first;
};

function lastKnown(view: RunView, start: number): number {
  let last = start;
  for (const { spans } of view.steps.values())
    for (const { from, to } of spans ?? []) last = Math.max(last, Date.parse(to ?? from));
  return last;
}

function* lastEnds(view: RunView, start: number): Iterable<number> {
  let last = 0;
  for (const { finishedAt } of view.steps.values())
    if (finishedAt !== undefined) last = Math.max(last, Date.parse(finishedAt) - start);
  yield last;
}

/** Round moments of an axis between two moments, at most about `most` of them. */
export function ticks(from: number, to: number, most: number): readonly number[] {
  const rough = (to - from) / Math.max(1, most);
  const step = STEPS.find((candidate) => candidate >= rough) ?? Math.ceil(rough / 86_400_000) * 86_400_000;
  const found: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((value) => value * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((value) => value * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((value) => value * HOUR),
];
