import { plainValue } from '../design/amounts.js';
import type { RunListItem } from '@run-pipeline/core/wire';

export interface Shown {
  readonly name: string;
  readonly value: string;
}

/** Of every run, the parameters that another run of the same pipeline in the list has otherwise. */
export function differingParameters(runs: readonly RunListItem[]): ReadonlyMap<string, readonly Shown[]> {
  const seen = new Map<string, Map<string, string>>();
  const differing = new Map<string, Set<string>>();
  for (const run of runs) {
    const pipeline = `${run.project}\n${run.pipeline}`;
    const values = seen.get(pipeline) ?? new Map<string, string>();
    const names = differing.get(pipeline) ?? new Set<string>();
    seen.set(pipeline, values);
    differing.set(pipeline, names);
    for (const [name, value] of Object.entries(run.parameters)) {
      const text = plainValue(value);
      const before = values.get(name);
      if (before === undefined) values.set(name, text);
      else if (before !== text) names.add(name);
    }
  }
  return new Map(
    runs.map((run) => {
      const names = differing.get(`${run.project}\n${run.pipeline}`) ?? new Set();
      return [
        run.id,
        Object.entries(run.parameters)
          .filter(([name]) => names.has(name))
          .map(([name, value]) => ({ name, value: plainValue(value) })),
      ];
    }),
  );
}

/** Metrics by how many runs have them: those that are worth a column. */
export function commonMetrics(runs: readonly RunListItem[], most: number): readonly string[] {
  const counts = new Map<string, number>();
  for (const run of runs)
    for (const name of Object.keys(run.metrics))
      // One element of a mapped step says little of the run.
      if (!name.includes('[')) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([name]) => name);
}
