import type { ArtifactRecord } from '@run-pipeline/core/model';
import { viewFromJson, type StepView } from '@run-pipeline/core/run-view';
import type { RunSnapshot } from '@run-pipeline/core/wire';
import { bytes, duration, metric, plainValue } from '../design/amounts.js';
import { statusWord } from '../design/status.js';

/** A cell of a comparison: what is shown, and what makes it the same as another one. */
export interface Cell {
  readonly text: string;
  readonly same: string;
  readonly step?: StepView;
  readonly artifact?: ArtifactRecord;
}
export interface Row {
  readonly key: string;
  readonly name: string;
  /** One for each run; undefined: it has none. */
  readonly cells: readonly (Cell | undefined)[];
  readonly differs: boolean;
  readonly step?: string;
}
export interface Comparison {
  readonly runs: readonly RunSnapshot[];
  readonly facts: readonly Row[];
  readonly parameters: readonly Row[];
  readonly metrics: readonly Row[];
  readonly steps: readonly Row[];
  readonly artifacts: readonly Row[];
}

/** Everything that can be told of several runs beside each other. */
export function compareRuns(runs: readonly RunSnapshot[]): Comparison {
  const views = runs.map(({ view }) => viewFromJson(view));
  const steps = views.map((view) => new Map([...view.steps].map(([name, step]) => [name as string, step])));
  const artifacts = views.map((view) => {
    const found = new Map<string, { readonly step: StepView; readonly artifact: ArtifactRecord }>();
    for (const step of view.steps.values())
      for (const artifact of step.artifacts) found.set(`${step.name}.${artifact.name}`, { step, artifact });
    return found;
  });
  return {
    runs,
    facts: [
      row(
        'status',
        'status',
        runs.map(({ item, view }) => cell(statusWord(view.status ?? item.status))),
      ),
      row(
        'duration',
        'duration',
        views.map(({ durationMs }) => (durationMs === undefined ? undefined : cell(duration(durationMs)))),
      ),
      row(
        'source',
        'source',
        runs.map(({ item }) => cell(item.source)),
      ),
      row(
        'commit',
        'commit',
        runs.map(({ item }) =>
          item.git === undefined
            ? undefined
            : cell(`${item.git.commit.slice(0, 10)}${item.git.dirty ? ' with changes' : ''}`),
        ),
      ),
      row(
        'version',
        'version',
        runs.map(({ item }) => cell(item.version)),
      ),
    ],
    parameters: rows(
      views.map((view) => new Map(Object.entries(view.parameters))),
      (value) => cell(plainValue(value)),
    ),
    metrics: rows(
      runs.map(({ item }) => new Map(Object.entries(item.metrics))),
      (value) => cell(metric(value), String(value)),
    ),
    steps: rows(steps, (step) => stepCell(step)).map((each) => ({ ...each, step: each.name })),
    artifacts: rows(artifacts, ({ artifact, step }) => ({
      text: bytes(artifact.size),
      same: artifact.hash,
      artifact,
      step,
    })),
  };
}

const cell = (text: string, same = text): Cell => ({ text, same });

/** A step is the same where the same result was made of the same things, however long it took. */
const stepCell = (step: StepView): Cell => ({
  text:
    step.durationMs === undefined || step.status === 'cached' || step.status === 'skipped'
      ? statusWord(step.status)
      : `${statusWord(step.status)}, ${duration(step.durationMs)}`,
  same:
    step.fingerprint === undefined
      ? `${step.status === 'cached' ? 'completed' : step.status}`
      : `${step.fingerprint} ${step.status === 'cached' ? 'completed' : step.status}`,
  step,
});

function rows<Value>(
  maps: readonly ReadonlyMap<string, Value>[],
  of: (value: Value) => Cell,
): readonly Row[] {
  const names = new Set(maps.flatMap((map) => [...map.keys()]));
  return [...names].map((name) =>
    row(
      name,
      name,
      maps.map((map) => {
        const value = map.get(name);
        return value === undefined ? undefined : of(value);
      }),
    ),
  );
}

function row(key: string, name: string, cells: readonly (Cell | undefined)[]): Row {
  const [first] = cells;
  return { key, name, cells, differs: cells.some((each) => each?.same !== first?.same) };
}
