import type { MetricName, MonitorOptions } from '../model/definition.js';
import { type OptionReader, describeValue } from './option-reader.js';

/** A scalar by its title and series: `['test', 'accuracy']` or `{ title, series }`. Without series: a single value. */
export type MetricPlace =
  readonly [title: string, series: string] | { readonly title: string; readonly series?: string };

/**
 * One metric to show on the run. `['test', 'accuracy']` is a scalar's title and series, a text the name of
 * a single value. Under another name: `[['test', 'accuracy'], ['best', 'accuracy']]`, or `{ from, to }`.
 */
export type MonitoredMetric =
  | string
  | MetricPlace
  | readonly [from: MetricPlace, to: MetricPlace]
  | { readonly from: string | MetricPlace; readonly to: string | MetricPlace };

/** One artifact to show on the run: its name, or its name and the run's name for it. */
export type MonitoredArtifact =
  string | readonly [name: string, target: string] | { readonly from: string; readonly to: string };

/** What the run (its controller's task) shows as its own, once the step has ended well. */
export interface MonitorDeclaration {
  /**
   * Scalars and single values that the step reports.
   *
   * `[['test', 'accuracy'], 'seconds', [['train', 'loss'], ['loss', 'stage_train']]]`
   */
  readonly monitorMetrics?: readonly MonitoredMetric[];
  /** Artifacts: `['dataset', ['model', 'best model']]`. */
  readonly monitorArtifacts?: readonly MonitoredArtifact[];
  /** As `monitorArtifacts`: a model is an artifact. */
  readonly monitorModels?: readonly MonitoredArtifact[];
}

export const MONITOR_OPTIONS = ['monitorMetrics', 'monitorArtifacts', 'monitorModels'] as const;

export const NO_MONITOR: MonitorOptions = Object.freeze({
  metrics: Object.freeze([]),
  artifacts: Object.freeze([]),
});

export function monitorOptions(reader: OptionReader): MonitorOptions {
  if (!reader.hasAny(MONITOR_OPTIONS)) return NO_MONITOR;
  const metrics = list(reader, 'monitorMetrics').map((item, index) => metric(reader, item, index));
  const artifacts = (['monitorArtifacts', 'monitorModels'] as const).flatMap((key) =>
    list(reader, key).map((item, index) => artifact(reader, key, item, index)),
  );
  noneTwice(
    reader,
    'monitorMetrics',
    metrics.map(({ to }) => metricText(to)),
  );
  noneTwice(
    reader,
    'monitorArtifacts',
    artifacts.map(({ to }) => to),
  );
  return Object.freeze({ metrics: Object.freeze(metrics), artifacts: Object.freeze(artifacts) });
}

function list(reader: OptionReader, key: string): readonly unknown[] {
  const value = reader.raw(key) ?? [];
  if (!Array.isArray(value)) {
    throw reader.error('option-type', `takes a list as "${key}", not ${describeValue(value)}`);
  }
  return value as readonly unknown[];
}

function metric(reader: OptionReader, item: unknown, index: number): MonitorOptions['metrics'][number] {
  const same = metricName(item);
  if (same !== undefined) return { from: same, to: same };
  const [given, target] = fromTo(item) ?? [];
  const from = metricName(given);
  const to = metricName(target);
  if (from === undefined || to === undefined) {
    throw reader.error(
      'option-type',
      `has something at "monitorMetrics"[${index}] that is no metric: ${describeValue(item)}`,
      "Write ['title', 'series'], the name of a single value, or [['title', 'series'], ['other title', 'other series']].",
    );
  }
  if ((from.series === undefined) !== (to.series === undefined)) {
    throw reader.error(
      'option-type',
      `makes ${metricText(from)} another kind of metric at "monitorMetrics"[${index}]: ${metricText(to)}`,
      'A scalar stays a scalar (title and series), a single value a single value (a name).',
    );
  }
  return { from, to };
}

function artifact(
  reader: OptionReader,
  key: string,
  item: unknown,
  index: number,
): MonitorOptions['artifacts'][number] {
  const [from, to] = isText(item) ? [item, item] : (fromTo(item) ?? []);
  if (isText(from) && isText(to)) return { from, to };
  throw reader.error(
    'option-type',
    `has something at "${key}"[${index}] that is no artifact: ${describeValue(item)}`,
    "Write 'name', or ['name', 'name on the run'].",
  );
}

/** `undefined`: it is not the name of one metric. */
function metricName(item: unknown): MetricName | undefined {
  if (isText(item)) return { title: item };
  if (Array.isArray(item)) {
    const [title, series, ...more] = item as readonly unknown[];
    return isText(title) && isText(series) && more.length === 0 ? { title, series } : undefined;
  }
  if (typeof item !== 'object' || item === null || !onlyKeys(item, ['title', 'series'])) return undefined;
  const { title, series } = item as { readonly title?: unknown; readonly series?: unknown };
  if (!isText(title)) return undefined;
  if (series === undefined) return { title };
  return isText(series) ? { title, series } : undefined;
}

function fromTo(item: unknown): readonly [unknown, unknown] | undefined {
  if (Array.isArray(item)) return item.length === 2 ? [item[0], item[1]] : undefined;
  if (typeof item !== 'object' || item === null || !onlyKeys(item, ['from', 'to'])) return undefined;
  const { from, to } = item as { readonly from?: unknown; readonly to?: unknown };
  return [from, to];
}

function noneTwice(reader: OptionReader, key: string, names: readonly string[]): void {
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined)
    throw reader.error('repeated', `gives the name "${repeated}" twice in "${key}"`);
}

const metricText = ({ title, series }: MetricName): string =>
  series === undefined ? title : `${title}/${series}`;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const onlyKeys = (value: object, keys: readonly string[]): boolean =>
  Object.keys(value).every((key) => keys.includes(key));
