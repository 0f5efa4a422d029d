import type { Graph } from '@run-pipeline/core/graph';
import { publishPackages } from '../../package/index.js';
import type { NodeSummary, RunStart } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import { crashPoint } from '../../crash-points.js';
import { processIdentity } from '../../project/process-identity.js';
import type { RunRequest, RunResult } from '../api.js';
import { declaredPipeline } from '../controller/draft-parameters.js';
import { leaseMs } from '../settings.js';
import type { LaunchPackages } from '../launch/launch.js';
import type { Project } from '../../project/project.js';
import {
  launchParameters,
  requireGivenFiles,
  shownParameters,
  type Parameters,
} from '../launch/parameters.js';
import {
  encodeParameters,
  LAUNCH_DOCUMENT,
  launchDocument,
  parameterBlobs,
} from '../launch/run-documents.js';
import { OWN_FILES } from '../launch/run-files.js';
import { runToEnd } from './run-graph.js';
import { concurrencyOf, workerProcesses, type WorkerProcesses } from './worker-processes.js';
import { readGitHead } from '../../project/git-head.js';
import { newRunId } from '../../project/new-id.js';
import { signController } from '../launch/controller-signature.js';
import { launchOptions, prepareLaunch } from '../launch/prepare-launch.js';
import { borrowFromEarlierRuns } from '../launch/selection.js';

/**
 * A new run: everything that can be checked is checked first (parameters, graph, selection, packages);
 * then the run is made, what it needs to be resumed is kept, and only then something executes.
 */
export async function startRun(request: RunRequest): Promise<RunResult> {
  const { project, definition, options } = request;
  const size = concurrencyOf(project, definition, options);
  const workers = workerProcesses({ size, graceMs: options.graceMs, withheld: project.withheld });
  try {
    return await startWith(request, workers);
  } finally {
    await workers.close();
  }
}

async function startWith(request: RunRequest, workers: WorkerProcesses): Promise<RunResult> {
  const { project, definition, options } = request;
  const parameters = await launchParameters({ definition, given: request.parameters, cwd: project.cwd });
  requireGivenFiles(parameters, request.parameters);
  const { graph, selection, templates, packages } = await prepareLaunch({
    ...request,
    // New code is about to execute: its processes start while it is packaged.
    onMissing: (count) => workers.warm(count),
  });
  const borrowed =
    selection === undefined ? undefined : await borrowFromEarlierRuns(project, definition, selection);
  const owner = processIdentity();
  const [secretKey, encoded] = await Promise.all([
    project.store.secretKey(),
    encodeParameters(project, parameters),
    publishPackages(project, packages.hashes.values()),
  ]);
  const { document, values } = launchDocument({
    version: 1,
    kind: definition.kind,
    exportName: request.exportName,
    pipeline: definition.name,
    project: definition.project,
    parameters: encoded,
    packages: packages.hashes,
    templates,
    bundle: request.loaded?.bundle,
    signatures: signController(project, request.loaded?.bundle),
    git: readGitHead(project.root),
    cwd: project.cwd,
    file: request.loaded?.file,
    argv: request.loaded?.argv,
    declared: declaredPipeline(definition),
    options: launchOptions(options),
  });
  const row = await project.store.createRun({
    id: newRunId(),
    pipeline: definition.name,
    project: definition.project,
    version: definition.version,
    owner,
    leaseMs: leaseMs(process.env),
    source: request.source,
    ...(request.parent === undefined ? {} : { parent: request.parent }),
    documents: [{ name: LAUNCH_DOCUMENT, bytes: document }],
    values,
    blobs: parameterBlobs(encoded),
  });
  crashPoint('run-created');
  return runToEnd({
    project,
    workers,
    definition,
    graph,
    row,
    owner,
    engine: options,
    parameters,
    files: OWN_FILES,
    packageOf: publishing(project, packages.of),
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

/** A step that is declared in the body of a pipeline function is packaged when it is called: others need it from then on. */
function publishing(project: Project, packageOf: LaunchPackages['of']): LaunchPackages['of'] {
  if (project.packages === undefined) return packageOf;
  return async (step) => {
    const made = await packageOf(step);
    await publishPackages(project, [made.hash]);
    return made;
  };
}

/** The first event of a run. */
export function runStart(row: RunRow, parameters: Parameters, graph: Graph | undefined): RunStart {
  return {
    type: 'run.start',
    pipeline: row.pipeline,
    project: row.project,
    version: row.version,
    number: row.number,
    parameters: shownParameters(parameters),
    steps: graph === undefined ? [] : nodeSummaries(graph),
    source: row.source,
  };
}

function nodeSummaries(graph: Graph): readonly NodeSummary[] {
  return graph.order.map((name) => ({ name, parents: graph.nodes.get(name)?.parents ?? [] }));
}
