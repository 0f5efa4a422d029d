import type { RunId, TaskRecord } from '@run-pipeline/core/model';
import { crashPoint } from '../../crash-points.js';
import type { RunResult } from '../api.js';
import { carriedFiles, readDraft, launchOfDraft } from './draft.js';
import { filesOfJob } from './controller-job.js';
import { fileBlobs } from '../launch/carry-files.js';
import { runFiles } from '../launch/run-files.js';
import { givenParameters } from './draft-parameters.js';
import type { ControllerRequest } from './execute-controller.js';
import { launchParameters } from '../launch/parameters.js';
import { definitionOf, storedPackages } from '../run/resume-run.js';
import {
  encodeParameters,
  LAUNCH_DOCUMENT,
  launchDocument,
  parameterBlobs,
} from '../launch/run-documents.js';
import { RunLost } from '../run/run-log.js';
import { runToEnd } from '../run/run-graph.js';
import { borrowFromEarlierRuns, selectSteps } from '../launch/selection.js';
import { leaseMs } from '../settings.js';
import { checkedGraph } from '../launch/prepare-launch.js';
import { runStart } from '../run/start-run.js';
import { requireTemplates } from '../launch/templates.js';

/**
 * Makes the run of a draft, with the parameters that its record has now, and runs it to its end. As with
 * every new run: what can be rejected is rejected before the run is made.
 */
export async function startDraft(
  request: ControllerRequest & { readonly record: TaskRecord },
): Promise<RunResult> {
  const { project, record, owner } = request;
  const draft = await readDraft(project, record);
  const declared = await definitionOf(project, draft, {
    env: process.env,
    signal: request.signal,
    onProgress: request.onWarning,
  });
  // A clone may have a name of its own.
  const definition = { ...declared, name: record.name, project: record.project };
  const parameters = await launchParameters({ definition, given: givenParameters(record), cwd: draft.cwd });
  const files = filesOfJob(request.spec) ?? carriedFiles(draft);
  const graph = checkedGraph(definition);
  const { concurrency = draft.options.concurrency } = request.options;
  const options = { priority: 0, ...draft.options, ...request.options, concurrency };
  const selection = selectSteps(definition, graph, options);
  // As they are now: a draft may wait for long.
  const { templates, packages: ofTemplates } = await requireTemplates({
    store: project.store,
    paths: project,
    definition,
    onWarning: request.onWarning,
  });
  const packages = new Map([
    ...draft.packages,
    ...[...ofTemplates].map(([step, { hash }]) => [step, hash] as const),
  ]);
  const borrowed =
    selection === undefined ? undefined : await borrowFromEarlierRuns(project, definition, selection);
  const [secretKey, encoded] = await Promise.all([
    project.store.secretKey(),
    encodeParameters(project, parameters),
  ]);
  const { document, values } = launchDocument(
    launchOfDraft(draft, { parameters: encoded, templates, packages, files }),
  );
  const parent = await parentRun(request, record);
  if (!(await request.stillHeld())) throw new RunLost(`task ${record.id} was given to another agent`);
  const row = await project.store.createRun({
    id: record.id as string as RunId,
    pipeline: record.name,
    project: record.project,
    version: draft.declared.version,
    owner,
    leaseMs: leaseMs(process.env),
    source: draft.source,
    ...(parent === undefined ? {} : { parent }),
    documents: [{ name: LAUNCH_DOCUMENT, bytes: document }],
    values,
    blobs: fileBlobs(files, parameterBlobs(encoded)),
  });
  crashPoint('run-created');
  return runToEnd({
    project: { ...project, cwd: draft.cwd },
    definition,
    graph,
    row,
    owner,
    engine: options,
    parameters,
    files: runFiles(project, files),
    packageOf: storedPackages(project, definition, packages),
    templates,
    secretKey,
    recorded: undefined,
    borrowed,
    first: { events: [runStart(row, parameters, graph)] },
    onEvent: request.onEvent,
    onWarning: request.onWarning,
    signal: request.signal,
  });
}

/** The run that the task was cloned from, if that is one. */
async function parentRun({ project }: ControllerRequest, { parent }: TaskRecord): Promise<RunId | undefined> {
  if (parent === undefined) return undefined;
  return (await project.store.getRun(parent as string as RunId))?.id;
}
