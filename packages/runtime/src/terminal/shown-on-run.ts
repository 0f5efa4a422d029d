import { metricName, runMetrics, type RunMetric, type RunView } from '@run-pipeline/core/run-view';
import { printableWord } from './sanitise.js';
import type { Style } from './style.js';
import { tableLines } from './table.js';
import { formatBytes } from './units.js';
import { cut, pad } from './width.js';

const NAME_WIDTH = 48;
const PREVIEW_WIDTH = 60;

export interface ShownOnRun {
  /** What steps reported and the run shows as its own (`monitorMetrics`). */
  readonly metrics: readonly string[];
  /** The same of artifacts (`monitorArtifacts`). */
  readonly artifacts: readonly string[];
}

/** What the run shows as its own; no lines where it shows nothing. */
export function shownOnRun(
  view: RunView,
  { style, columns }: { readonly style: Style; readonly columns?: number | undefined },
): ShownOnRun {
  const metrics = runMetrics(view).map((metric) => [
    ...metricCells(metric, style),
    style.dim(`of ${printableWord(metric.from)}`),
  ]);
  const artifacts = [...view.artifacts].map(([name, { from, artifact }]) => [
    cut(printableWord(name), NAME_WIDTH),
    style.dim(printableWord(artifact.type)),
    pad(formatBytes(artifact.size), 8, 'left'),
    style.dim(`of ${printableWord(from)}`),
    style.dim(cut(printableWord(artifact.preview ?? ''), PREVIEW_WIDTH)),
  ]);
  const table = { indent: '  ', columns };
  return { metrics: tableLines(metrics, table), artifacts: tableLines(artifacts, table) };
}

/** `test/accuracy  0.947368  at 2`. */
export const metricCells = (metric: Omit<RunMetric, 'from'>, style: Style): readonly string[] => [
  cut(printableWord(metricName(metric)), NAME_WIDTH),
  pad(formatNumber(metric.value), 8, 'left'),
  style.dim(metric.iteration === undefined ? '' : `at ${metric.iteration}`),
];

/** Six digits tell runs apart; a count is written whole. */
const formatNumber = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
