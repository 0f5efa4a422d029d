import type { Report } from '@run-pipeline/core/model';
import { stepName } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import type { TaskView } from './task-view.js';

/** What a task reported, and printed, in its latest execution. */
export interface Reported {
  readonly reports: readonly Report[];
  readonly console: readonly { readonly stream: 'stdout' | 'stderr'; readonly text: string }[];
}

/** Of a step its run has it. */
export async function readReported(store: Store, task: TaskView): Promise<Reported> {
  if (task.run === undefined || task.step === undefined) {
    const output = await store.readTaskOutput(task.id);
    return {
      reports: output.flatMap((row) => (row.kind === 'report' ? [row.report] : [])),
      console: output.flatMap((row) => (row.kind === 'log' ? [row] : [])),
    };
  }
  const events = await store.readEvents(task.run, {
    step: stepName(task.step),
    types: ['step.log', 'step.report'],
  });
  const latest = events.flatMap((event) => ('attempt' in event ? [event.attempt] : [])).at(-1);
  const own = events.filter((event) => 'attempt' in event && event.attempt === latest);
  return {
    reports: own.flatMap((event) => (event.type === 'step.report' ? [event.report] : [])),
    console: own.flatMap((event) => (event.type === 'step.log' ? [event] : [])),
  };
}

export type ReportedScalars = Readonly<
  Record<string, Readonly<Record<string, { readonly x: readonly number[]; readonly y: readonly number[] }>>>
>;

/** By title, then by series: iterations and values. Names are data: `__proto__` is one like any other. */
export function scalarsOf(reports: readonly Report[]): ReportedScalars {
  const titles = new Map<string, Map<string, { readonly x: number[]; readonly y: number[] }>>();
  for (const report of reports) {
    if (report.kind !== 'scalar') continue;
    const series = titles.get(report.title) ?? new Map<string, { x: number[]; y: number[] }>();
    titles.set(report.title, series);
    const points = series.get(report.series) ?? { x: [], y: [] };
    series.set(report.series, points);
    points.x.push(report.iteration);
    points.y.push(report.value);
  }
  return Object.fromEntries([...titles].map(([title, series]) => [title, Object.fromEntries(series)]));
}

export function singleValuesOf(reports: readonly Report[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    reports.flatMap((report) => (report.kind === 'single-value' ? [[report.name, report.value]] : [])),
  );
}
