import pLimit from 'p-limit';
import type { Graph } from '@run-pipeline/core/graph';
import type { ErrorRecord, PipelineDefinition, RunEvent, TaskId } from '@run-pipeline/core/model';
import type { PreimageRow, ProcessIdentity, RunRow } from '@run-pipeline/core/ports';
import type { StepDefinition, TaskPackage } from '@run-pipeline/core/model';
import type { Project } from '../../project/project.js';
import { takeEnvironment } from '../environment.js';
import { concurrencyOf, workerProcesses, type WorkerProcesses } from './worker-processes.js';
import type { EngineOptions, RunResult } from '../api.js';
import { pause } from '../step/cache.js';
import { newNode, type NodeState, type RecordedSteps, type RunContext } from '../context.js';
import { deferred } from '../deferred.js';
import { errorRecord } from '../error-record.js';
import { followAttempts } from '../attempt/followed-attempts.js';
import { keepAlive } from './keep-alive.js';
import { endForgottenAttempts } from '../attempt/open-attempt.js';
import { runOutcome } from './outcome.js';
import { bodyValues, type Parameters } from '../launch/parameters.js';
import { createCallScope, inScope } from './pipeline-function.js';
import { createRunLog, RunLost, type LogEntry } from './run-log.js';
import { createRouter } from '../attempt/route.js';
import { createRunStop } from './run-stop.js';
import { createSchedule } from './schedule.js';
import { createSlots } from './slots.js';
import { standIn, type Borrowed } from '../launch/selection.js';
import { leaseMs } from '../settings.js';
import type { RunFiles } from '../launch/run-files.js';
import type { Templates } from '../launch/templates.js';
import { startTimer } from '../timer.js';

/** Many share a transaction; few are in memory. */
const HANDED_OVER_AT_ONCE = 16;

/** Runs what was made ready — a new run or one taken over — to its end. */
export async function runToEnd(options: {
  readonly project: Project;
  readonly definition: PipelineDefinition;
  /** Undefined for a pipeline function. */
  readonly graph: Graph | undefined;
  readonly row: RunRow;
  readonly owner: ProcessIdentity;
  readonly engine: EngineOptions;
  readonly parameters: Parameters;
  readonly files: RunFiles;
  readonly packageOf: (definition: StepDefinition) => Promise<TaskPackage>;
  readonly templates: Templates;
  readonly secretKey: Uint8Array;
  readonly recorded: RecordedSteps | undefined;
  readonly borrowed: Borrowed | undefined;
  /** Commits `run.start` or `run.resume`. */
  readonly first: LogEntry;
  readonly onEvent: (event: RunEvent) => void;
  readonly onWarning: (message: string) => void;
  readonly signal: AbortSignal;
  /** Made before, because they start while steps are packaged; or who executes instead (`debug`). */
  readonly workers?: WorkerProcesses;
}): Promise<RunResult> {
  const { project, definition, row, engine } = options;
  const started = performance.now();
  const stop = createRunStop();
  let fatal: unknown;
  const fatality = deferred<never>();
  fatality.promise.catch(() => {});
  const onFatal = (error: unknown): void => {
    if (fatal !== undefined) return;
    fatal = error;
    const message = error instanceof Error ? error.message : String(error);
    stop.request({ reason: error instanceof RunLost ? 'lost' : 'error', message });
    fatality.reject(error);
  };

  const log = createRunLog({
    store: project.store,
    run: row.id,
    epoch: row.epoch,
    lastSeq: row.lastSeq,
    onEvent: options.onEvent,
    onLost: onFatal,
  });
  const concurrency = concurrencyOf(project, definition, engine);
  const pool =
    options.workers ??
    workerProcesses({ size: concurrency, graceMs: engine.graceMs, withheld: project.withheld });
  const handOver = pLimit(HANDED_OVER_AT_ONCE);
  let previous: Promise<ReadonlyMap<string, PreimageRow>> | undefined;
  const nodes = new Map<string, NodeState>();
  const context: RunContext = {
    project,
    definition,
    row,
    owner: options.owner,
    options: engine,
    parameters: options.parameters,
    files: options.files,
    log,
    pool: pool.get,
    slot: createSlots(concurrency),
    handOver: (task) => handOver(task),
    router: createRouter({ project, definition, engine, onWarning: options.onWarning }),
    attempts: followAttempts({ store: project.store, leaseMs: leaseMs(process.env) }),
    packageOf: options.packageOf,
    templates: options.templates,
    secretKey: options.secretKey,
    environment: takeEnvironment(),
    previousPreimages: () =>
      (previous ??= project.store.latestPreimages({
        project: row.project,
        pipeline: row.pipeline,
        beforeRun: row.id,
      })),
    stop,
    nodes,
    recorded: options.recorded,
    leaseMs: leaseMs(process.env),
    started,
    claims: new Map<TaskId, number>(),
    schedule: () => {},
    onWarning: options.onWarning,
    failures: [],
  };
  const schedule = createSchedule(context, onFatal);
  context.schedule = schedule.start;

  const onAbort = (): void => stop.request({ reason: 'stopped', message: abortMessage(options.signal) });
  if (options.signal.aborted) onAbort();
  else options.signal.addEventListener('abort', onAbort, { once: true });
  const timer = runTimer(definition.options.timeout, context);
  const alive = keepAlive(context, onFatal);
  try {
    void log.append(options.first);
    const work = async (): Promise<ErrorRecord | undefined> => {
      if (options.graph !== undefined) {
        await runStaticGraph(context, options.graph, schedule.add, options.borrowed);
        return undefined;
      }
      return runBody(context, schedule.add);
    };
    const bodyError = await Promise.race([work(), fatality.promise]);
    await skipUnreached(context);
    if (context.recorded !== undefined) await endForgottenAttempts(context);
    const { status, error } = runOutcome(context, bodyError);
    const durationMs = Math.round(performance.now() - started);
    await log.append({
      events: [{ type: 'run.end', status, durationMs, ...(error === undefined ? {} : { error }) }],
    });
    return { id: row.id, number: row.number, status, error };
  } finally {
    timer?.stop();
    alive.stop();
    context.attempts.close(fatal ?? new Error('the run has ended'));
    options.signal.removeEventListener('abort', onAbort);
    // Whoever took the run over executes its steps: ours may not write beside them.
    await pool.close({ atOnce: fatal instanceof RunLost });
  }
}

async function runStaticGraph(
  context: RunContext,
  graph: Graph,
  add: (node: NodeState) => void,
  borrowed: Borrowed | undefined,
): Promise<void> {
  for (const name of graph.order) {
    const planned = graph.nodes.get(name);
    if (planned === undefined) continue;
    const node = newNode({
      run: context.row.id,
      key: name,
      definition: planned.definition,
      inputs: planned.inputs,
      parents: planned.parents.flatMap((parent) => context.nodes.get(parent) ?? []),
      mapped: planned.mapped,
      announced: true,
    });
    const { code } = node.definition;
    if (code.kind === 'task' && !code.clone) {
      node.task = context.templates.get(node.definition.name)?.task ?? node.task;
      node.producer = node.task;
    }
    context.nodes.set(name, node);
  }
  // All are known before the first starts: a cached chain may run through in one turn.
  const all = [...context.nodes.values()];
  for (const node of all) {
    if (borrowed !== undefined && (await standIn(context, node, borrowed))) continue;
    add(node);
  }
  await Promise.all(all.map((node) => node.ended.promise));
}

async function runBody(
  context: RunContext,
  add: (node: NodeState) => void,
): Promise<ErrorRecord | undefined> {
  const scope = createCallScope({
    run: context.row.id,
    project: context.project,
    nodes: context.nodes,
    reserved: new Set(context.recorded?.byName.keys() ?? []),
    add(node) {
      if (context.recorded === undefined) {
        node.announced = true;
        void context.log.append({
          events: [
            {
              type: 'step.add',
              steps: [{ name: node.name, parents: node.parents.map((parent) => parent.name) }],
            },
          ],
        });
      }
      add(node);
    },
  });
  let failure: ErrorRecord | undefined;
  try {
    const values = await bodyValues(context.parameters, context.files);
    const body = inScope(scope, async () => context.definition.body?.(values));
    body.catch(() => {});
    await Promise.race([body, afterStop(context)]);
  } catch (thrown) {
    failure = errorRecord(thrown, context.project.cwd);
  }
  // The run ends when every issued node has ended; one that ends may not issue more, its body has returned.
  await Promise.all([...context.nodes.values()].map((node) => node.ended.promise));
  return failure;
}

/** A body that waits for something of its own does not hold up a run that was told to stop. */
async function afterStop(context: RunContext): Promise<void> {
  const { signal } = context.stop;
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await pause(context.options.graceMs, NEVER);
}
const NEVER = new AbortController().signal;

/** On resume: calls that the run had recorded and that the body did not make again. */
async function skipUnreached(context: RunContext): Promise<void> {
  const { recorded } = context;
  if (recorded === undefined) return;
  const names = new Set([...context.nodes.values()].map((node) => node.name as string));
  for (const step of recorded.byName.values()) {
    if (names.has(step.name) || ['completed', 'cached', 'skipped', 'failed', 'aborted'].includes(step.status))
      continue;
    await context.log.append({
      events: [
        {
          type: 'step.end',
          step: step.name,
          status: 'skipped',
          attempt: 0,
          durationMs: 0,
          artifacts: [],
          why: ['the resumed pipeline did not call it again'],
        },
      ],
    });
  }
}

function runTimer(
  timeout: number | undefined,
  context: RunContext,
): { readonly stop: () => void } | undefined {
  if (timeout === undefined) return undefined;
  return startTimer(timeout, () => {
    context.stop.request({
      reason: 'timeout',
      message: `the run took longer than its timeout of ${timeout} ms`,
    });
  });
}

const abortMessage = (signal: AbortSignal): string => {
  const reason: unknown = signal.reason;
  if (typeof reason === 'string') return reason;
  // What `abort()` gives by itself says nothing.
  return reason instanceof Error && reason.name !== 'AbortError' ? reason.message : 'aborted';
};
