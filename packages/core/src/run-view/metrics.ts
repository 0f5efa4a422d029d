import type { StepName } from '../model/ids.js';
import type { RunView } from './view.js';

/** A metric that the run shows as its own: the last point of a curve, or a single value. */
export interface RunMetric {
  readonly title: string;
  /** Absent: a single value. */
  readonly series?: string;
  readonly value: number;
  readonly iteration?: number;
  /** The step that reported it. */
  readonly from: StepName;
}

/** In the order in which they first came. Of a curve the point with the highest iteration counts. */
export function runMetrics(view: Pick<RunView, 'reports'>): readonly RunMetric[] {
  const metrics = new Map<string, RunMetric>();
  for (const { from, report } of view.reports) {
    if (report.kind === 'single-value') {
      metrics.set(JSON.stringify([report.name]), { title: report.name, value: report.value, from });
    } else if (report.kind === 'scalar') {
      const { title, series, value, iteration } = report;
      const key = JSON.stringify([title, series]);
      if ((metrics.get(key)?.iteration ?? -Infinity) <= iteration)
        metrics.set(key, { title, series, value, iteration, from });
    }
  }
  return [...metrics.values()];
}

/** `test/accuracy`, or `seconds`. */
export const metricName = ({ title, series }: Pick<RunMetric, 'title' | 'series'>): string =>
  series === undefined ? title : `${title}/${series}`;
