import { basename } from 'node:path';
import type { ArtifactRecord, RunId } from '@run-pipeline/core/model';
import type { StepView } from '@run-pipeline/core/run-view';
import type {
  ArtifactPageQuery,
  ReportArtifact,
  ReportData,
  ReportStep,
  RunSnapshot,
} from '@run-pipeline/core/wire';
import { readShownDocument, readShownImage, readStoredJson } from '../artifacts/artifact-bytes.js';
import { runNames } from '../runs/run-names.js';
import { runSnapshot } from '../runs/run-snapshot.js';
import type { ServerContext } from '../server-context.js';
import { stepCode, stepPackages } from '../steps/step-code.js';
import { stepInputs } from '../steps/step-inputs.js';
import { stepWhy } from '../steps/step-why.js';

/** A file that people open and send: what would make it larger than some megabytes is left out, and said. */
const MOST_STEPS = 200;
const LINES = 400;
const LINES_OF_FAILED = 2_000;
const MOST_CONSOLE = 4_000_000;
const MOST_ARTIFACTS = 400;
const ROWS = 50;
const LARGEST_IMAGE = 1_000_000;
const MOST_IMAGES = 6_000_000;
const MOST_DOCUMENTS = 4_000_000;
const LARGEST_VALUE = 500_000;
const MOST_VALUES = 4_000_000;

/** What `report` shows of a run, read from the store as the page would ask for it. */
export async function collectReport(context: ServerContext, run: RunId): Promise<ReportData> {
  const snapshot = await runSnapshot(context, run);
  const omitted: string[] = [];
  const steps = await collectSteps(context, snapshot, omitted);
  const artifacts = await collectArtifacts(context, snapshot, omitted);
  return {
    format: 1,
    madeAt: new Date().toISOString(),
    version: context.version,
    project: basename(context.project.root),
    run: snapshot,
    steps,
    artifacts,
    names: (await runNames(context, foreignRuns(snapshot))).names,
    omitted,
  };
}

/** Runs of other pipelines that results were taken from. */
const foreignRuns = ({ view, siblings }: RunSnapshot): readonly string[] => {
  const known = new Set(siblings.map(({ id }) => id));
  return view.steps.flatMap(({ cachedFrom }) =>
    cachedFrom === undefined || known.has(cachedFrom) ? [] : [cachedFrom],
  );
};

const hasFailed = ({ status }: StepView): boolean => status === 'failed' || status === 'aborted';

async function collectSteps(
  context: ServerContext,
  { view }: RunSnapshot,
  omitted: string[],
): Promise<readonly ReportStep[]> {
  const ordered = [...view.steps.filter(hasFailed), ...view.steps.filter((step) => !hasFailed(step))];
  if (ordered.length > MOST_STEPS)
    omitted.push(`code, inputs and console of ${ordered.length - MOST_STEPS} of ${ordered.length} steps`);
  const steps: ReportStep[] = [];
  let characters = 0;
  let silenced = 0;
  let cut = 0;
  for (const step of ordered.slice(0, MOST_STEPS)) {
    const { name } = step;
    const page = await context.logs.ofStep(
      { run: view.id, step: name },
      hasFailed(step) ? { from: -LINES_OF_FAILED, limit: LINES_OF_FAILED } : { from: -LINES, limit: LINES },
      NEVER,
    );
    characters += page.lines.reduce((sum, line) => sum + line.text.length, 0);
    const printed = page.total + page.open.length > 0;
    const fits = characters <= MOST_CONSOLE;
    if (printed && !fits) silenced++;
    if (printed && fits && page.from > 0) cut++;
    steps.push({
      name,
      inputs: await stepInputs(context, view.id, name),
      why: await stepWhy(context, view.id, name),
      code: await stepCode(context, view.id, name),
      packages: await stepPackages(context, view.id, name),
      ...(printed && fits ? { console: page } : {}),
    });
  }
  if (cut > 0) omitted.push(`the beginning of the console of ${cut === 1 ? 'one step' : `${cut} steps`}`);
  if (silenced > 0) omitted.push(`the console of ${silenced === 1 ? 'one step' : `${silenced} steps`}`);
  return steps;
}

const NEVER = new AbortController().signal;

async function collectArtifacts(
  context: ServerContext,
  { view }: RunSnapshot,
  omitted: string[],
): Promise<readonly ReportArtifact[]> {
  const records = new Map<string, ArtifactRecord>();
  /** Their numbers are drawn, not paged. */
  const drawn = new Set<string>();
  for (const { artifact } of view.artifacts) records.set(artifact.hash, artifact);
  for (const step of view.steps) {
    for (const report of step.reports) {
      if (!('artifact' in report)) continue;
      records.set(report.artifact.hash, report.artifact);
      if (report.kind === 'plot' || report.kind === 'table') drawn.add(report.artifact.hash);
    }
    for (const artifact of step.artifacts) records.set(artifact.hash, artifact);
  }
  if (records.size > MOST_ARTIFACTS)
    omitted.push(`the content of ${records.size - MOST_ARTIFACTS} of ${records.size} artifacts`);
  const artifacts: ReportArtifact[] = [];
  let bytes = 0;
  let numbers = 0;
  let characters = 0;
  let unframed = 0;
  let gone = 0;
  let hidden = 0;
  let undrawn = 0;
  for (const record of [...records.values()].slice(0, MOST_ARTIFACTS)) {
    try {
      const page = await context.artifacts.page(context, record.hash, queryOf(record));
      const image = page.kind === 'image' ? await imageOf(context, record, MOST_IMAGES - bytes) : undefined;
      if (page.kind === 'image' && image === undefined) hidden++;
      bytes += image?.length ?? 0;
      const document =
        page.kind === 'document' && characters + record.size <= MOST_DOCUMENTS
          ? await readShownDocument(context, record.hash)
          : undefined;
      if (page.kind === 'document' && document === undefined) unframed++;
      characters += document?.length ?? 0;
      const fits = record.size <= LARGEST_VALUE && numbers + record.size <= MOST_VALUES;
      const wanted = drawn.has(record.hash) && record.type === 'superjson';
      if (wanted && !fits) undrawn++;
      if (wanted && fits) numbers += record.size;
      const value = wanted && fits ? await readStoredJson(context, record.hash) : undefined;
      artifacts.push({
        hash: record.hash,
        page,
        ...(image === undefined ? {} : { image }),
        ...(document === undefined ? {} : { document }),
        ...(value === undefined ? {} : { value }),
      });
    } catch {
      gone++; // removed, or damaged: the report tells of the others
    }
  }
  if (hidden > 0)
    omitted.push(`${hidden === 1 ? 'an image that is' : `${hidden} images that are`} too large`);
  if (unframed > 0)
    omitted.push(`${unframed === 1 ? 'a document that is' : `${unframed} documents that are`} too large`);
  if (undrawn > 0)
    omitted.push(
      `the picture of ${undrawn === 1 ? 'a plot or table that is' : `${undrawn} plots or tables that are`} too large`,
    );
  if (gone > 0)
    omitted.push(`${gone === 1 ? 'one artifact' : `${gone} artifacts`} whose content is gone or damaged`);
  return artifacts;
}

/** How a record's first page is asked for. */
export function queryOf({ type, codecVersion, meta = {} }: ArtifactRecord): ArtifactPageQuery {
  const { fileName, mime } = meta;
  return {
    type,
    codecVersion,
    limit: ROWS,
    ...(typeof fileName === 'string' ? { fileName } : {}),
    ...(typeof mime === 'string' ? { mime } : {}),
  };
}

async function imageOf(
  context: ServerContext,
  { hash, size }: ArtifactRecord,
  left: number,
): Promise<string | undefined> {
  if (size > LARGEST_IMAGE || size * 1.4 > left) return undefined;
  const { type, bytes } = await readShownImage(context, hash);
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}
