import {
  didYouMean,
  type MetricName,
  type Report,
  type RunArtifact,
  type RunReport,
  type StoredArtifact,
} from '@run-pipeline/core/model';
import type { NodeState } from '../context.js';

/**
 * What the run shows as its own of a step that ended well: executed, or taken from the cache, whose reports
 * belong to its result. What did not come is told in a line, and is no failure.
 */
export interface Monitored {
  readonly events: readonly (RunReport | RunArtifact)[];
  readonly missing: readonly string[];
}

export function monitored(
  node: NodeState,
  made: { readonly artifacts: readonly StoredArtifact[]; readonly reports: readonly Report[] },
): Monitored {
  const { metrics, artifacts } = node.definition.options.monitor;
  const events: (RunReport | RunArtifact)[] = [];
  const missing: string[] = [];
  for (const { from, to } of metrics) {
    const found = made.reports.flatMap((report) => renamed(report, from, to) ?? []);
    // A single value that is told again is the same value: the last one counts.
    const shown = from.series === undefined ? found.slice(-1) : found;
    for (const report of shown) events.push({ type: 'run.report', from: node.name, report });
    if (shown.length === 0) missing.push(noMetric(node, from, made.reports));
  }
  for (const { from, to } of artifacts) {
    const record = made.artifacts.find(({ record: { name } }) => name === from)?.record;
    if (record !== undefined) {
      events.push({ type: 'run.artifact', from: node.name, artifact: { ...record, name: to } });
      continue;
    }
    const names = made.artifacts.map(({ record: { name } }) => name);
    missing.push(
      `step ${node.name} has no artifact "${from}"${didYouMean(from, names)}, which the run was to show`,
    );
  }
  return { events, missing };
}

function renamed(report: Report, from: MetricName, to: MetricName): Report | undefined {
  if (from.series === undefined) {
    return report.kind === 'single-value' && report.name === from.title
      ? { ...report, name: to.title }
      : undefined;
  }
  return report.kind === 'scalar' && report.title === from.title && report.series === from.series
    ? { ...report, title: to.title, series: to.series ?? to.title }
    : undefined;
}

function noMetric(node: NodeState, from: MetricName, reports: readonly Report[]): string {
  const isScalar = from.series !== undefined;
  const names = new Set(
    reports.flatMap((report) => {
      if (isScalar) return report.kind === 'scalar' ? [`${report.title}/${report.series}`] : [];
      return report.kind === 'single-value' ? [report.name] : [];
    }),
  );
  const name = isScalar ? `${from.title}/${from.series}` : from.title;
  const what = isScalar ? 'scalar' : 'single value';
  return `step ${node.name} reported no ${what} "${name}"${didYouMean(name, names)}, which the run was to show`;
}
