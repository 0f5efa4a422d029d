import { pathToFileURL } from 'node:url';
import { RunPipelineError, type StoredArtifact } from '@run-pipeline/core/model';
import { runAsTask, setProcessTask } from '../task/index.js';
import { buildArguments, buildInput, type DecodeInput } from './arguments.js';
import { abortCause, abortCode } from './abort-cause.js';
import { errorRecord } from './error-record.js';
import { mapStacks, PackageMap } from './package-map.js';
import { enterTask } from './process-state.js';
import type { TaskOutcome, TaskRequest } from './protocol.js';
import { namedReturns } from './returns.js';
import { ScratchDirectory } from './scratch-directory.js';
import { keepTaskCodecs } from './task-codecs.js';
import { ScriptExit } from './script-exit.js';
import { joinArtifacts, TaskContext, type TaskMessages } from './task-context.js';
import { openTaskValues, type TaskValues } from './task-values.js';
import { portableThrown } from './thrown.js';
import { isUncaught } from './uncaught.js';

export interface Execution {
  readonly request: TaskRequest;
  readonly signal: AbortSignal;
  /** Different for every task of this process: the package is evaluated anew. */
  readonly evaluation: number;
  readonly messages: TaskMessages;
  /** Called when the package has been evaluated, before the step runs. */
  readonly onLoaded?: () => void;
  /** Called before anything of the task's own code runs. */
  readonly onContext?: (context: TaskContext) => void;
  /** Of a script: when nothing of its own is going on any more. Left out: when its module has been evaluated. */
  readonly untilIdle?: () => Promise<void>;
  /** Rejects when something outside of the step's own promise ends the task: an uncaught error. */
  readonly interrupted: Promise<never>;
  /** Whether the environment is to be what it was before. */
  readonly restoreEnv: boolean;
}

/**
 * Executes one task in this process, from request to outcome; never rejects. The same code runs in workers
 * and inline, so that both give the same result.
 */
export async function executeTask(execution: Execution): Promise<TaskOutcome> {
  const { request, signal } = execution;
  const map = packageMap(request);
  const undo: (() => void)[] = [];
  const scratch = new ScratchDirectory(request.scratch);
  try {
    undo.push(enterTask(request, execution), mapStacks(map), keepTaskCodecs(request.package.file));
    const perform = request.entry.kind === 'script' ? executeScript : execute;
    const result = await Promise.race([perform(execution, scratch), execution.interrupted]);
    return { status: 'completed', ...result, reports: [], values: [] };
  } catch (thrown) {
    return unsuccessful(thrown, { request, signal, map });
  } finally {
    for (const put of undo.toReversed()) put();
    await scratch.remove();
  }
}

/** What a task came to that threw, or was ended by an error outside of its promise. */
export function unsuccessful(
  thrown: unknown,
  options: { readonly request: TaskRequest; readonly signal: AbortSignal; readonly map?: PackageMap },
): TaskOutcome {
  const { request, signal, map = packageMap(request) } = options;
  const uncaught = isUncaught(thrown) ? thrown : undefined;
  const cause = uncaught === undefined ? thrown : uncaught.error;
  const record = errorRecord(cause, { map, cwd: request.placesFrom ?? request.cwd });
  const error = uncaught === undefined ? record : { ...record, code: record.code ?? uncaught.code };
  // Whatever a step throws after it was told to stop is how it stopped.
  if (signal.aborted) {
    const reason = abortCause(signal);
    return { status: 'aborted', reason, error: { ...error, code: error.code ?? abortCode(reason) } };
  }
  return { status: 'failed', error, thrown: portableThrown(cause) };
}

const packageMap = ({ package: { file, sourceMap } }: TaskRequest): PackageMap =>
  new PackageMap({ file, sourceMap });

type Result = Pick<TaskOutcome & { status: 'completed' }, 'artifacts' | 'uncacheable'>;

async function execute(execution: Execution, scratch: ScratchDirectory): Promise<Result> {
  const { request, signal, onLoaded } = execution;
  const [values, step] = await Promise.all([openTaskValues(request, scratch), loadStep(execution)]);
  onLoaded?.();
  const parameters = await decodeParameters(request, values.decode);
  const args = await buildArguments(request.arguments, request.binding, values.decode);
  const context = openContext(execution, values, parameters);
  // Inputs take time to read: the run may have been stopped meanwhile.
  signal.throwIfAborted();

  const umask = process.umask();
  const value = await runAsTask(context.task, async () => callStep(step, request, parameters, args));
  // Files of the store have the modes that the project wants, whatever the step made for its own.
  process.umask(umask);
  // What a step returns because it was told to stop is not its result: it must not be kept.
  signal.throwIfAborted();
  const returned = await storeReturns(value, request, values);
  return resultOf(context, joinArtifacts(returned, await context.uploaded()));
}

/** Evaluating the module is the task; it is done when nothing that it started is going on any more. */
async function executeScript(execution: Execution, scratch: ScratchDirectory): Promise<Result> {
  const { request, signal, untilIdle } = execution;
  const values = await openTaskValues(request, scratch);
  const context = openContext(execution, values, new Map());
  signal.throwIfAborted();

  const umask = process.umask();
  const exit = new ScriptExit();
  // Some code of the script may run without its asynchronous context: callbacks of native modules.
  const leave = setProcessTask(context.task);
  const { argv } = process;
  try {
    process.argv = [process.argv[0] ?? process.execPath, request.script?.file ?? request.package.file];
    await runAsTask(context.task, () => loadPackage(execution));
    await untilIdle?.();
    exit.ended(context.task);
  } finally {
    leave();
    process.argv = argv;
    process.umask(umask);
  }
  signal.throwIfAborted();
  return resultOf(context, [...(await context.uploaded()).values()]);
}

function openContext(
  { request, signal, messages, onContext }: Execution,
  values: TaskValues,
  parameters: ReadonlyMap<string, unknown>,
): TaskContext {
  const context = new TaskContext({ request, values, signal, parameters, messages });
  onContext?.(context);
  return context;
}

function resultOf({ uncacheable }: TaskContext, artifacts: Result['artifacts']): Result {
  return { artifacts, ...(uncacheable !== undefined && { uncacheable }) };
}

/** Evaluates the package: module state of an earlier task is not seen (INVARIANTS 7). */
async function loadPackage({ request, evaluation }: Execution): Promise<{ readonly default?: unknown }> {
  const url = `${pathToFileURL(request.package.file).href}?task=${evaluation}`;
  return (await import(/* @vite-ignore */ url)) as { readonly default?: unknown };
}

async function loadStep(execution: Execution): Promise<unknown> {
  const module = await loadPackage(execution);
  if (typeof module.default !== 'function') {
    throw new RunPipelineError({
      kind: 'load',
      code: 'damaged-package',
      message: `the package of step ${execution.request.step} has no function to run`,
      help: 'delete the `packages` folder of the project’s .run-pipeline and run again',
    });
  }
  return module.default;
}

async function decodeParameters(request: TaskRequest, decode: DecodeInput): Promise<Map<string, unknown>> {
  const parameters = new Map<string, unknown>();
  for (const [name, input] of request.parameters) parameters.set(name, await buildInput(input, decode));
  return parameters;
}

type AnyFunction = (...args: readonly unknown[]) => unknown;

async function callStep(
  step: unknown,
  request: TaskRequest,
  parameters: ReadonlyMap<string, unknown>,
  args: readonly unknown[],
): Promise<unknown> {
  const { entry } = request;
  if (entry.kind !== 'method') return (step as AnyFunction)(...args);
  const instance = construct(step as new () => object, parameters);
  const method: unknown = Reflect.get(instance, entry.method);
  return Reflect.apply(method as AnyFunction, instance, args);
}

const PARAMETERS = Symbol.for('run-pipeline.parameters');

/**
 * A fresh instance whose `@Parameter` fields are the launch values. The packager makes their initialisers
 * look here, so that fields derived from them are right too.
 */
function construct(owner: new () => object, parameters: ReadonlyMap<string, unknown>): object {
  const holder = globalThis as { [PARAMETERS]?: ReadonlyMap<string, unknown> };
  holder[PARAMETERS] = parameters;
  let instance: object;
  try {
    instance = new owner();
  } finally {
    delete holder[PARAMETERS];
  }
  for (const [name, value] of parameters) {
    if (Reflect.get(instance, name) !== value) Reflect.set(instance, name, value);
  }
  return instance;
}

async function storeReturns(
  value: unknown,
  request: TaskRequest,
  values: TaskValues,
): Promise<readonly StoredArtifact[]> {
  const stored: StoredArtifact[] = [];
  // One after the other: several large values at once would need the memory of all.
  for (const [name, item] of namedReturns(value, request.returns))
    stored.push(await values.encode(name, item));
  const [first, ...others] = stored;
  // Who awaits the whole gets back what the step returned: a tuple, not an object of its parts.
  return first !== undefined && others.length > 0 && Array.isArray(value)
    ? [asTuple(first), ...others]
    : stored;
}

const asTuple = (artifact: StoredArtifact): StoredArtifact => ({
  ...artifact,
  record: { ...artifact.record, meta: { ...artifact.record.meta, tuple: true } },
});
