import type { Report } from '@run-pipeline/core/model';

/** A line of numbers: iterations, each once, rising; the latest value of each. */
export interface Series {
  readonly name: string;
  readonly xs: readonly number[];
  readonly ys: readonly number[];
}
/** Series of one title share a chart. */
export interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
}

/**
 * Collects scalars as they come: a report is looked at once, however often the charts are asked for.
 */
export class ScalarCollector {
  #seen = 0;
  #reports: readonly Report[] | undefined;
  #charts: readonly Chart[] = [];
  readonly #titles = new Map<string, Map<string, Map<number, number>>>();

  /** The charts of these reports, which grow at their end. */
  charts(reports: readonly Report[]): readonly Chart[] {
    if (
      this.#reports !== reports &&
      (this.#reports === undefined || reports.length < this.#seen || reports[0] !== this.#reports[0])
    ) {
      this.#seen = 0;
      this.#titles.clear();
    }
    this.#reports = reports;
    if (this.#seen === reports.length && this.#seen > 0) return this.#charts;
    for (; this.#seen < reports.length; this.#seen++) {
      const report = reports[this.#seen]!;
      if (report.kind !== 'scalar') continue;
      const series = this.#titles.get(report.title) ?? new Map<string, Map<number, number>>();
      this.#titles.set(report.title, series);
      const points = series.get(report.series) ?? new Map<number, number>();
      series.set(report.series, points);
      points.set(report.iteration, report.value);
    }
    this.#charts = [...this.#titles].map(([title, series]) => ({
      title,
      series: [...series].map(([name, points]) => {
        const sorted = [...points].sort(([a], [b]) => a - b);
        return { name, xs: sorted.map(([x]) => x), ys: sorted.map(([, y]) => y) };
      }),
    }));
    return this.#charts;
  }
}

/** Exponential smoothing without the lag of its beginning; 0 leaves it as it is, 0.99 hardly moves. */
export function smoothed(ys: readonly number[], weight: number): readonly number[] {
  if (weight <= 0) return ys;
  let last = 0;
  let correction = 1;
  return ys.map((y) => {
    if (!Number.isFinite(y)) return y;
    last = last * weight + (1 - weight) * y;
    correction *= weight;
    return last / (1 - correction);
  });
}

/** All series on the same iterations: `undefined` where one has none. */
export function aligned(series: readonly Series[]): {
  readonly xs: number[];
  readonly ys: (number | null | undefined)[][];
} {
  const xs = [...new Set(series.flatMap((one) => one.xs))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, index) => [x, index]));
  const ys = series.map((one) => {
    const row: (number | null | undefined)[] = Array.from({ length: xs.length }, () => undefined);
    for (const [index, x] of one.xs.entries()) {
      const y = one.ys[index];
      row[place.get(x)!] = y === undefined || !Number.isFinite(y) ? null : y;
    }
    return row;
  });
  return { xs, ys };
}
