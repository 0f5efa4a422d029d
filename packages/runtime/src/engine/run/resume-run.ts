import {
  RunPipelineError,
  taskId,
  type PipelineDefinition,
  type RunEvent,
  type StepDefinition,
  type StepName,
  type TaskId,
  type TaskPackage,
} from '@run-pipeline/core/model';
import type { AttemptState, RunRow } from '@run-pipeline/core/ports';
import { crashPoint } from '../../crash-points.js';
import { loadBundle } from '../../discover/load.js';
import { isAlive, processIdentity } from '../../project/process-identity.js';
import type { Project } from '../../project/project.js';
import type { ResumeRun, RunResult } from '../api.js';
import { errorRecord } from '../error-record.js';
import { holdController } from '../controller/hold-controller.js';
import { requireSignedController } from '../launch/controller-signature.js';
import { placeController, type Providing } from '../controller/place-controller.js';
import { packageKeys } from '../launch/launch.js';
import { recordedSteps } from './recorded.js';
import { decodeParameters, readLaunch, storedPackage, type LaunchRecord } from '../launch/run-documents.js';
import { runFiles } from '../launch/run-files.js';
import { RunLost } from './run-log.js';
import { runToEnd } from './run-graph.js';
import { borrowFromEarlierRuns, selectSteps } from '../launch/selection.js';
import { checkedGraph } from '../launch/prepare-launch.js';
import { runStart } from './start-run.js';
import { endProcesses, killSurvivors } from './survivors.js';

/**
 * Continues a run whose process is gone (or that failed), from its stored packages and controller:
 * what it completed is not executed again. Refuses while its owner lives; kills what the dead one
 * left running before anything executes again (INVARIANTS 10).
 */
export const resumeRun: ResumeRun = async (request) => {
  const { project } = request;
  const row = await project.store.getRun(request.run);
  if (row === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'unknown-run',
      message: `there is no run ${request.run}`,
    });
  }
  if (request.stillHeld !== undefined) return takeOver(request, row);
  refuseUnfit(row);
  // Of a run that was left to agents: none may take it meanwhile.
  const controller = await holdController(project.store, row, { onWaiting: request.onWarning });
  try {
    const now = (await project.store.getRun(row.id)) ?? row;
    // Another process may have taken it since; of one that agents may take, the held task says that none has.
    if (controller === undefined) refuseUnfit(now);
    const result = await takeOver(request, now);
    await controller?.finish(result);
    return result;
  } catch (error) {
    await controller?.finish({ status: 'failed', error: errorRecord(error, project.cwd) });
    throw error;
  }
};

async function takeOver(request: Parameters<ResumeRun>[0], row: RunRow): Promise<RunResult> {
  const { project } = request;
  const launch = await readLaunch(project, row.id);
  const declared =
    request.definition ??
    (await definitionOf(project, launch, {
      env: process.env,
      signal: request.signal,
      onProgress: request.onWarning,
    }));
  // A run of a clone may have a name of its own.
  const definition = { ...declared, name: row.pipeline, project: row.project };
  const owner = request.owner ?? processIdentity();
  if (request.stillHeld !== undefined && !(await request.stillHeld()))
    throw new RunLost(`run ${row.pipeline}#${row.number} was given to another agent`);
  const taken = await project.store.takeRun(row.id, { expectedEpoch: row.epoch, owner });
  if (!taken.ok) throw request.stillHeld === undefined ? alreadyRunning(taken.current) : lost(taken.current);
  crashPoint('run-taken');
  await endFormerController(row);
  await killSurvivors(project, row);
  request.onTaken?.();

  // Its process died before it could say that it had started.
  const neverStarted = taken.lastSeq === -1;
  // What agents lost meanwhile is in its queue again, with the next number, before anything is looked at.
  await project.store.recoverTasks();
  const events = await project.store.readEvents(row.id, {
    types: ['run.start', 'step.add', 'step.queue', 'step.start', 'step.retry', 'step.end', 'run.resume'],
  });
  const graph = checkedGraph(definition);
  const { concurrency = launch.options.concurrency, priority = launch.options.priority ?? 0 } =
    request.options;
  const options = { ...launch.options, ...request.options, concurrency, priority };
  const selection = selectSteps(definition, graph, options);
  const parameters = await decodeParameters(project, launch.parameters);
  return runToEnd({
    project: { ...project, cwd: launch.cwd },
    definition,
    graph,
    row: { ...row, epoch: taken.epoch, lastSeq: taken.lastSeq },
    owner,
    engine: options,
    parameters,
    files: runFiles(project, launch.files),
    packageOf: storedPackages(project, definition, launch.packages),
    templates: launch.templates,
    secretKey: await project.store.secretKey(),
    recorded: neverStarted ? undefined : recordedSteps(events, await attemptsOf(project, row, events)),
    borrowed:
      selection === undefined ? undefined : await borrowFromEarlierRuns(project, definition, selection),
    first: {
      events: [neverStarted ? runStart(row, parameters, graph) : { type: 'run.resume', epoch: taken.epoch }],
    },
    onEvent: request.onEvent,
    onWarning: request.onWarning,
    signal: request.signal,
  });
}

/** Of the steps that went to queues, as the store has them now. */
async function attemptsOf(
  project: Project,
  row: RunRow,
  events: readonly RunEvent[],
): Promise<ReadonlyMap<string, AttemptState>> {
  const tasks = new Map<TaskId, StepName>();
  for (const event of events) {
    if (event.type === 'run.start' || event.type === 'step.add')
      for (const { name } of event.steps) tasks.set(taskId(`${row.id}.${name}`), name);
    // A base task that is not cloned has an id of its own.
    if ((event.type === 'step.queue' || event.type === 'step.start') && event.task !== undefined)
      tasks.set(event.task, event.step);
  }
  const found = await project.store.readAttempts([...tasks.keys()]);
  return new Map([...found].map(([task, state]) => [tasks.get(task)!, state]));
}

function refuseUnfit(row: RunRow): void {
  if (row.status === 'completed') {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'already-completed',
      message: `run ${row.pipeline}#${row.number} has completed: there is nothing to resume`,
      help: 'Start it again with run-pipeline rerun.',
    });
  }
  if (row.queued === true || (row.status !== 'running' && row.status !== 'queued')) return;
  const life = isAlive(row.owner);
  if (life === 'alive' || (life === 'unknown' && !row.leaseExpired)) throw alreadyRunning(row);
}

/** It may have lost its agent only, or its agent may sleep: it is fenced off, but its callbacks would go on. */
async function endFormerController({ owner }: RunRow): Promise<void> {
  // A process of an agent leads a group. Who only made the run does not, and is not to be ended.
  if (owner.processGroup !== undefined) await endProcesses([owner]);
}

const lost = ({ pipeline, number, owner }: RunRow): RunLost =>
  new RunLost(`run ${pipeline}#${number} was taken over by process ${owner.pid} on ${owner.host}`);

const alreadyRunning = (row: RunRow): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'still-running',
    message: `run ${row.pipeline}#${row.number} is being run by process ${row.owner.pid} on ${row.owner.host}`,
    help: `Stop it first: run-pipeline stop ${row.id}`,
  });

/** From the controller as it was kept with the run. */
export async function definitionOf(
  project: Project,
  launch: Pick<
    LaunchRecord,
    'bundle' | 'signatures' | 'file' | 'argv' | 'exportName' | 'pipeline' | 'project' | 'cwd'
  > & {
    readonly packages: Iterable<readonly [step: string, hash: string]>;
  },
  providing: Providing,
): Promise<PipelineDefinition> {
  if (launch.bundle === undefined || launch.file === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'not-resumable',
      message: 'this run was started by a program, whose controller was not kept',
      help: 'Start the program again: what is cached is not executed again.',
    });
  }
  const { bundle, file, argv = [] } = launch;
  requireSignedController(project, { ...launch, bundle });
  const place = await placeController(project, launch, providing);
  const explain = place?.explain ?? ((error: unknown) => error);
  const loaded = await loadBundle({ paths: project, bundle, file, argv, place }).catch((error: unknown) => {
    throw explain(error);
  });
  const found =
    loaded.candidates.find(
      (candidate) => launch.exportName !== undefined && candidate.exportName === launch.exportName,
    ) ??
    loaded.candidates.find((candidate) => {
      const definition = candidate.definition();
      return definition.name === launch.pipeline && definition.project === launch.project;
    });
  if (found === undefined) {
    throw new RunPipelineError({
      kind: 'run',
      code: 'not-resumable',
      message: `the stored controller of this run does not declare pipeline ${launch.pipeline}`,
    });
  }
  const definition = found.definition();
  const { body } = definition;
  if (place === undefined || body === undefined) return definition;
  return {
    ...definition,
    body: async (parameters) => {
      try {
        return await body(parameters);
      } catch (error) {
        throw explain(error);
      }
    },
  };
}

/** The packages the run was launched with. */
export function storedPackages(
  project: Project,
  definition: PipelineDefinition,
  packages: ReadonlyMap<string, string>,
): (step: StepDefinition) => Promise<TaskPackage> {
  const made = new Map<StepDefinition, Promise<TaskPackage>>();
  for (const [step, key] of packageKeys(definition)) {
    const hash = packages.get(key);
    if (hash !== undefined) made.set(step, storedPackage(project, hash));
  }
  for (const reading of made.values()) reading.catch(() => {}); // told to the step that needs it
  return (step) =>
    made.get(step) ??
    Promise.reject(
      new RunPipelineError({
        kind: 'run',
        code: 'not-resumable',
        message: `step ${step.name} was declared inside the pipeline's body: its package was not kept`,
        help: 'Declare it at the top level of the file, or run the pipeline again.',
      }),
    );
}
