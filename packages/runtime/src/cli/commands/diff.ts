import type { RunRow, Store } from '@run-pipeline/core/ports';
import { metricName, runMetrics, type RunView, type StepView } from '@run-pipeline/core/run-view';
import { stepName } from '@run-pipeline/core/model';
import { explainChanges } from '../../fingerprint/index.js';
import { printable, printableWord } from '../../terminal/sanitise.js';
import { tableLines } from '../../terminal/table.js';
import { formatDuration } from '../../terminal/units.js';
import { cut } from '../../terminal/width.js';
import { printJson, printLines, type Context } from '../context.js';
import { withRun } from '../project-access.js';
import { viewRun } from '../run-events.js';
import { runName, selectRun } from '../select-run.js';

/** What differs between two runs. Steps that are the same in both are only counted. */
export interface RunDifference {
  readonly left: RunSide;
  readonly right: RunSide;
  readonly parameters: readonly {
    readonly name: string;
    readonly left?: unknown;
    readonly right?: unknown;
  }[];
  /** What the runs show as their own (`monitorMetrics`): the last value of each. */
  readonly metrics: readonly { readonly name: string; readonly left?: number; readonly right?: number }[];
  readonly steps: readonly StepDifference[];
  /** Steps with the same fingerprint, outcome and results. */
  readonly same: number;
}
interface RunSide {
  readonly id: string;
  readonly pipeline: string;
  readonly number: number;
  readonly status: string;
}
export interface StepDifference {
  readonly name: string;
  readonly left: StepSide | null;
  readonly right: StepSide | null;
  /** What changed in the fingerprint, as sentences. */
  readonly changes: readonly string[];
  /** Artifacts whose content differs, or that only one side has. */
  readonly artifacts: readonly string[];
}
interface StepSide {
  readonly status: string;
  readonly durationMs: number | null;
  readonly fingerprint: string | null;
}

/** `run-pipeline diff RUN RUN` */
export function diffCommand(context: Context): Promise<number> {
  return withRun(context, async ({ store }, left) => {
    const right = await selectRun(store, context.arguments[1]!);
    const difference = await compareRuns(store, left, right);
    if (context.json) printJson(context, difference);
    else printLines(context.out, differenceLines(context, difference));
    return 0;
  });
}

export async function compareRuns(store: Store, leftRow: RunRow, rightRow: RunRow): Promise<RunDifference> {
  const [left, right] = await Promise.all([viewRun(store, leftRow), viewRun(store, rightRow)]);
  const names = new Set([...left.steps.keys(), ...right.steps.keys()]);
  const steps: StepDifference[] = [];
  for (const name of names) {
    const found = await compareStep(store, { left, right }, name);
    if (found !== undefined) steps.push(found);
  }
  return {
    left: runSide(left),
    right: runSide(right),
    parameters: compareParameters(left, right),
    metrics: compareMetrics(left, right),
    steps,
    same: names.size - steps.length,
  };
}

async function compareStep(
  store: Store,
  views: { readonly left: RunView; readonly right: RunView },
  name: string,
): Promise<StepDifference | undefined> {
  const left = views.left.steps.get(stepName(name));
  const right = views.right.steps.get(stepName(name));
  const artifacts = differingArtifacts(left, right);
  const sameOutcome = outcome(left) === outcome(right);
  if (
    left !== undefined &&
    right !== undefined &&
    sameOutcome &&
    left.fingerprint === right.fingerprint &&
    artifacts.length === 0
  )
    return undefined;
  const changes: string[] = [];
  if (
    left?.fingerprint !== undefined &&
    right?.fingerprint !== undefined &&
    left.fingerprint !== right.fingerprint
  ) {
    const [before, after] = await Promise.all([
      store.readPreimage(views.left.id, left.name),
      store.readPreimage(views.right.id, right.name),
    ]);
    if (before !== undefined && after !== undefined)
      changes.push(...explainChanges(before.parts, after.parts));
  }
  return { name, left: stepSide(left), right: stepSide(right), changes, artifacts };
}

/** A result from the cache is as good as an execution. */
const outcome = (step: StepView | undefined): string | undefined =>
  step?.status === 'cached' ? 'completed' : step?.status;

function differingArtifacts(left: StepView | undefined, right: StepView | undefined): readonly string[] {
  const hashes = (step: StepView | undefined): Map<string, string> =>
    new Map(step?.artifacts.map((artifact) => [artifact.name, artifact.hash]));
  const before = hashes(left);
  const after = hashes(right);
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name),
  );
}

function compareParameters(left: RunView, right: RunView): RunDifference['parameters'] {
  const names = new Set([...Object.keys(left.parameters), ...Object.keys(right.parameters)]);
  return [...names]
    .filter((name) => JSON.stringify(left.parameters[name]) !== JSON.stringify(right.parameters[name]))
    .map((name) => ({
      name,
      ...(Object.hasOwn(left.parameters, name) ? { left: left.parameters[name] } : {}),
      ...(Object.hasOwn(right.parameters, name) ? { right: right.parameters[name] } : {}),
    }));
}

function compareMetrics(left: RunView, right: RunView): RunDifference['metrics'] {
  const values = (view: RunView): Map<string, number> =>
    new Map(runMetrics(view).map((metric) => [metricName(metric), metric.value]));
  const [before, after] = [values(left), values(right)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({
      name,
      ...(before.has(name) ? { left: before.get(name)! } : {}),
      ...(after.has(name) ? { right: after.get(name)! } : {}),
    }))
    .filter((metric) => metric.left !== metric.right);
}

const runSide = (view: RunView): RunSide => ({
  id: view.id,
  pipeline: view.pipeline,
  number: view.number,
  status: view.status,
});

const stepSide = (step: StepView | undefined): StepSide | null =>
  step === undefined
    ? null
    : { status: step.status, durationMs: step.durationMs ?? null, fingerprint: step.fingerprint ?? null };

function differenceLines(context: Context, difference: RunDifference): readonly string[] {
  const { style } = context;
  const { left, right } = difference;
  const title = `${style.bold(printableWord(runName(left)))} ${left.status} → ${style.bold(printableWord(runName(right)))} ${right.status}`;
  const lines = [title];
  for (const { name, ...sides } of difference.parameters) {
    lines.push(`parameter ${printableWord(name)}: ${shown(sides, 'left')} → ${shown(sides, 'right')}`);
  }
  for (const { name, ...sides } of difference.metrics) {
    lines.push(`metric ${printableWord(name)}: ${shown(sides, 'left')} → ${shown(sides, 'right')}`);
  }
  for (const step of difference.steps) {
    const rows = [[style.bold(printableWord(step.name)), sideText(step.left), '→', sideText(step.right)]];
    lines.push(...tableLines(rows));
    for (const change of step.changes) lines.push(`  ${printable(change)}`);
    if (step.artifacts.length > 0 && step.left !== null && step.right !== null) {
      lines.push(style.dim(`  differing: ${step.artifacts.map(printableWord).join(', ')}`));
    }
  }
  const { steps, parameters, metrics } = difference;
  if (steps.length + parameters.length + metrics.length === 0) lines.push('no difference');
  if (difference.same > 0)
    lines.push(style.dim(`${difference.same} ${difference.same === 1 ? 'step is' : 'steps are'} the same`));
  return lines;
}

function shown(sides: { readonly left?: unknown; readonly right?: unknown }, side: 'left' | 'right'): string {
  return Object.hasOwn(sides, side)
    ? cut(printableWord(JSON.stringify(sides[side]) ?? 'undefined'), 60)
    : '(none)';
}

function sideText(side: StepSide | null): string {
  if (side === null) return '(not there)';
  const timed = side.status === 'completed' || side.status === 'failed';
  return timed && side.durationMs !== null
    ? `${side.status} ${formatDuration(side.durationMs)}`
    : side.status;
}
