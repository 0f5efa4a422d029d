import type { Report, RunStatus } from '@run-pipeline/core/model';
import type { AttemptState, RunRow } from '@run-pipeline/core/ports';
import { rootFailures, type RunView } from '@run-pipeline/core/run-view';
import type { RunListItem } from '@run-pipeline/core/wire';

/** What a line of the list shows beside the run's row: small, and made once for a run that has ended. */
export type RunSummary = Pick<
  RunListItem,
  'parameters' | 'counts' | 'metrics' | 'durationMs' | 'error' | 'git'
>;

const MOST_METRICS = 60;
const MOST_PARAMETERS = 60;
const LONGEST_TEXT = 300;

export function summaryOf(view: RunView, git: RunSummary['git'] | undefined): RunSummary {
  const error = errorLine(view);
  return {
    parameters: boundedParameters(view.parameters),
    counts: { ...view.counts },
    metrics: metricsOf(view),
    ...(view.durationMs === undefined ? {} : { durationMs: view.durationMs }),
    ...(error === undefined ? {} : { error }),
    ...(git === undefined ? {} : { git }),
  };
}

export function runItem(
  row: RunRow,
  status: RunStatus,
  summary: RunSummary,
  controller: AttemptState | undefined,
): RunListItem {
  return {
    id: row.id,
    pipeline: row.pipeline,
    project: row.project,
    version: row.version,
    number: row.number,
    status,
    source: row.source,
    createdAt: row.createdAt,
    ...(row.startedAt === undefined ? {} : { startedAt: row.startedAt }),
    ...(row.finishedAt === undefined ? {} : { finishedAt: row.finishedAt }),
    ...(row.parent === undefined ? {} : { parent: row.parent }),
    ...(row.stopRequested === undefined ? {} : { stopRequested: row.stopRequested }),
    ...(controller?.agent === undefined ? {} : { agent: controller.agent }),
    ...(controller?.queue === undefined ? {} : { queue: controller.queue }),
    ...summary,
  };
}

/**
 * By name: what the run itself shows, then single values of steps. A name that several steps report is
 * told apart by the step.
 */
function metricsOf(view: RunView): { readonly [name: string]: number } {
  const metrics = new Map<string, number>();
  for (const { report } of view.reports) addMetric(metrics, metricName(report), report);
  const own = new Map<string, { readonly step: string; readonly value: number }[]>();
  for (const step of view.steps.values()) {
    const last = new Map<string, number>();
    for (const report of step.reports)
      if (report.kind === 'single-value') last.set(report.name, report.value);
    for (const [name, value] of last) {
      const list = own.get(name);
      if (list === undefined) own.set(name, [{ step: step.name, value }]);
      else list.push({ step: step.name, value });
    }
  }
  for (const [name, values] of own) {
    for (const { step, value } of values) {
      const key = values.length === 1 ? name : `${step}.${name}`;
      if (!metrics.has(key) && metrics.size < MOST_METRICS) metrics.set(key, value);
    }
  }
  return Object.fromEntries(metrics);
}

function addMetric(metrics: Map<string, number>, name: string | undefined, report: Report): void {
  if (name === undefined || !('value' in report)) return;
  if (metrics.has(name) || metrics.size < MOST_METRICS) metrics.set(name, report.value);
}

const metricName = (report: Report): string | undefined =>
  report.kind === 'single-value'
    ? report.name
    : report.kind === 'scalar'
      ? report.title === report.series
        ? report.title
        : `${report.title}/${report.series}`
      : undefined;

/** A parameter may hold a whole table: the list shows that there is one. */
function boundedParameters(parameters: RunView['parameters']): RunSummary['parameters'] {
  const entries = Object.entries(parameters).slice(0, MOST_PARAMETERS);
  return Object.fromEntries(entries.map(([name, value]) => [name, bounded(value)]));
}

function bounded(value: unknown): unknown {
  if (typeof value === 'string') return cut(value);
  if (typeof value !== 'object' || value === null) return value;
  const text = JSON.stringify(value);
  return text.length <= LONGEST_TEXT ? value : cut(text);
}

const cut = (text: string): string =>
  text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;

function errorLine(view: RunView): string | undefined {
  const [root] = rootFailures(view);
  if (root?.step.error !== undefined) return firstLine(`${root.step.name}: ${root.step.error.message}`);
  return view.error === undefined ? undefined : firstLine(view.error.message);
}

const firstLine = (text: string): string => cut(text.split('\n', 1)[0]!);
