import { runId, type ArtifactRecord } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import { viewToJson, type RunView, type StepView } from '@run-pipeline/core/run-view';
import type { RunSnapshot } from '@run-pipeline/core/wire';
import { shownStatus } from '../../engine/index.js';
import { resumeCommandOf } from '../command-line.js';
import { unknownRun } from '../refusal.js';
import type { ServerContext } from '../server-context.js';

const MOST_SIBLINGS = 20;

export async function requireRun(context: ServerContext, run: string): Promise<RunRow> {
  const row = await context.project.store.getRun(runId(run));
  if (row === undefined) throw unknownRun();
  return row;
}

export async function runSnapshot(context: ServerContext, run: string): Promise<RunSnapshot> {
  const row = await requireRun(context, run);
  const siblings = await context.project.store.findRuns({
    pipeline: row.pipeline,
    project: row.project,
    limit: MOST_SIBLINGS,
  });
  const [item] = await context.items.of([row]);
  const view = await context.views.get(row);
  const status = shownStatus(row);
  return {
    view: { ...snapshotOf(view), status },
    item: item!,
    ...(status === 'lost' ? { resume: resumeCommandOf(row.id) } : {}),
    host: row.owner.host,
    pid: row.owner.pid,
    createdAt: row.createdAt,
    siblings: siblings.map((sibling) => ({
      id: sibling.id,
      number: sibling.number,
      status: shownStatus(sibling),
    })),
  };
}

/** A copy, since the view is shared and goes on. */
function snapshotOf(view: RunView): RunSnapshot['view'] {
  const longest = view.steps.size > MANY_STEPS ? SHORT_PREVIEW : Infinity;
  return {
    ...viewToJson(view),
    counts: { ...view.counts },
    reports: [...view.reports],
    steps: [...view.steps.values()].map((step) => ({
      ...step,
      reports: thinned(step.reports),
      artifacts: step.artifacts.map((artifact) => withPreview(artifact, longest)),
    })),
  };
}

const MANY_STEPS = 300;
const SHORT_PREVIEW = 200;

/** Four kilobytes of preview a step are megabytes of a snapshot that shows none of them. */
function withPreview(artifact: ArtifactRecord, longest: number): ArtifactRecord {
  const { preview } = artifact;
  if (preview === undefined || preview.length <= longest) return artifact;
  return { ...artifact, preview: `${preview.slice(0, longest)}…` };
}

const MOST_POINTS = 1_000;

/**
 * Of a series with more points than a plot can show, every n-th, and the last. The other reports are as
 * they are.
 */
function thinned(reports: StepView['reports']): StepView['reports'] {
  if (reports.length <= MOST_POINTS) return [...reports];
  const sizes = new Map<string, number>();
  for (const report of reports) {
    if (report.kind !== 'scalar') continue;
    const series = `${report.title}\n${report.series}`;
    sizes.set(series, (sizes.get(series) ?? 0) + 1);
  }
  const seen = new Map<string, number>();
  return reports.filter((report) => {
    if (report.kind !== 'scalar') return true;
    const series = `${report.title}\n${report.series}`;
    const size = sizes.get(series)!;
    const index = seen.get(series) ?? 0;
    seen.set(series, index + 1);
    return index % Math.ceil(size / MOST_POINTS) === 0 || index === size - 1;
  });
}
