import { join, resolve, sep } from 'node:path';
import { callSite, describeValue, durationMs } from '@run-pipeline/core/define';
import {
  RunPipelineError,
  type ErrorRecord,
  type SourceLocation,
  type TaskScript,
  type TaskStatus,
  type TaskType,
} from '@run-pipeline/core/model';
import { decodeJsonValue } from '../artifacts/index.js';
import { findCurrentTask, liveTaskOf, type CurrentTask, type TaskLogger } from '../task/index.js';
import { beginTask } from './begin-task.js';
import { connectFile, connectObject } from './connect-configuration.js';
import { connectValues } from './connect.js';
import { requireById } from './find-task.js';
import { leaveScript } from './leave-script.js';
import { encodeConfigurations, encodeParameters, flatParameters, GENERAL, keyOf } from './parameter-names.js';
import { cloneOf, createTask, getTask, putIntoQueue, queryTasks, type FoundTask } from './project-tasks.js';
import { reachProject } from './reach-project.js';
import { readReported, scalarsOf, singleValuesOf, type Reported, type ReportedScalars } from './reported.js';
import { scriptHere } from './script-here.js';
import type { TaskArtifacts } from './task-artifact.js';
import { ENDED, publishTask } from './task-operations.js';
import {
  readOptions,
  type TaskCloneChanges,
  type TaskCreateOptions,
  type TaskEnqueueOptions,
  type TaskInitOptions,
  type TaskLookUp,
  type TaskSearch,
  type WaitOptions,
} from './task-options.js';
import { TaskState } from './task-state.js';
import { waitForStatus } from './wait-for-status.js';

/** What a `Task` is made of; nobody else can make one. */
class Made {
  readonly state: TaskState;

  constructor(state: TaskState) {
    this.state = state;
  }
}

/**
 * A task: one execution of a script or of a step, with its parameters, artifacts, console, reports and
 * status; or a template that has not run. `Task.init` makes the script that calls it a task, `Task.get` and
 * `Task.query` find others.
 *
 * A script that is run by hand (`node`, `tsx`) makes a new task each time, and records its package, so that
 * an agent can execute a clone of it. Executed by an agent, or inside a step, the same call attaches to the
 * task at hand, and what was set from outside replaces the defaults that it connects.
 *
 * @example
 * ```ts no-run
 * import { Task } from 'run-pipeline';
 *
 * const task = await Task.init({ project: 'examples', name: 'train model' });
 * const args = task.connect({ epochs: 10, learningRate: 0.01 });
 * for (let epoch = 0; epoch < args.epochs; epoch += 1) {
 *   const value = 1 / (1 + epoch * args.learningRate);
 *   task.logger.reportScalar({ title: 'loss', series: 'train', value, iteration: epoch });
 * }
 * await task.uploadArtifact('weights', [1, 2, 3]);
 * ```
 */
export class Task<Artifacts = Record<string, unknown>> {
  readonly #state: TaskState;

  static {
    // Bundlers rename a class that mentions itself.
    Object.defineProperty(this, 'name', { value: 'Task' });
  }

  /** Not to be called: `Task.init`, `Task.get` and the others give tasks. */
  constructor(made: never) {
    const given: unknown = made;
    if (!(given instanceof Made))
      throw new TypeError('tasks are made by Task.init, Task.create and Task.clone');
    this.#state = given.state;
  }

  // ── making and finding tasks ──

  /**
   * Makes this script a task, or attaches to the one that it is already executed as (by an agent, in a
   * step, after an earlier `Task.init`). Call it once, at the beginning: what was printed before is not the
   * task's.
   *
   * The task ends with the process: `completed`, `failed` when an error is uncaught or the exit code is not
   * 0, `aborted` when it is killed or interrupted.
   *
   * @throws RunPipelineError when the options are wrong, or the project's state cannot be written
   * @example
   * ```ts no-run
   * const task = await Task.init({
   *   project: 'examples',
   *   name: 'stage data',
   *   type: 'data_processing',
   *   tags: ['iris'],
   * });
   * ```
   */
  static async init(options: TaskInitOptions): Promise<Task> {
    return taskOf(await beginTask(options, callSite(Task.init)));
  }

  /**
   * The task that this code runs as: of a script after `Task.init`, of a step. Undefined: none.
   */
  static current(): Task | undefined {
    const current = findCurrentTask();
    return current === undefined ? undefined : taskOf(current);
  }

  /**
   * Finds a task: by id (also of a step of a run: `RUN.STEP`), or the newest of this project and name that
   * is not a step of a run. The type argument says what its artifacts are. Inside a step, the step's
   * result is not cached then: what it read is no input of it.
   *
   * @throws RunPipelineError `unknown-task`, with what there is
   * @example
   * ```ts no-run
   * const task = await Task.get<{ X_train: number[][] }>({ project: 'examples', name: 'process data' });
   * const rows = await task.artifacts.X_train.get();
   * ```
   */
  static async get<Artifacts = Record<string, unknown>>(
    query: string | TaskLookUp,
  ): Promise<Task<Artifacts>> {
    return fromFound(await getTask(query, callSite(Task.get)));
  }

  /**
   * Finds tasks, newest first.
   *
   * @example
   * ```ts no-run
   * const failed = await Task.query({ project: 'examples', status: 'failed', tags: ['nightly'] });
   * for (const task of failed) console.log(task.name, task.error?.message);
   * ```
   */
  static async query(search: TaskSearch = {}): Promise<readonly Task[]> {
    const found = await queryTasks(search, callSite(Task.query));
    return Promise.all(found.map((each) => fromFound(each)));
  }

  /**
   * Makes a draft of a script without running it: a template to clone, or to enqueue.
   *
   * @throws RunPipelineError of kind `load` with what cannot be packaged, and where
   * @example
   * ```ts no-run
   * const draft = await Task.create({
   *   project: 'examples',
   *   name: 'train model',
   *   script: 'train.ts',
   *   parameters: { 'General/epochs': 3 },
   * });
   * await Task.enqueue(draft, { queue: 'gpu' });
   * ```
   */
  static async create(options: TaskCreateOptions): Promise<Task> {
    return fromFound(await createTask(options, callSite(Task.create)));
  }

  /**
   * Makes a draft with the code, parameters and configurations of a task.
   *
   * @example
   * ```ts no-run
   * const clone = await Task.clone({ source: 'TASK_ID', parameters: { 'General/epochs': 5 } });
   * await clone.enqueue();
   * ```
   */
  static async clone(options: { readonly source: Task | string } & TaskCloneChanges): Promise<Task> {
    return fromFound(await cloneOf('Task.clone()', options, callSite(Task.clone)));
  }

  /**
   * Puts a task into a queue, from which an agent takes it: a draft, or one that failed or was aborted.
   *
   * @returns the task, as it is then
   */
  static async enqueue(task: Task | string, options: string | TaskEnqueueOptions = {}): Promise<Task> {
    return fromFound(await putIntoQueue('Task.enqueue()', { task, options }, callSite(Task.enqueue)));
  }

  // ── what is known of it ──

  get id(): string {
    return this.#state.view.id;
  }

  get name(): string {
    return this.#state.view.name;
  }

  get project(): string {
    return this.#state.view.project;
  }

  get type(): TaskType {
    return this.#state.view.type;
  }

  /** At the last look: `reload()` looks again. */
  get status(): TaskStatus {
    return this.#state.view.status;
  }

  get tags(): readonly string[] {
    return this.#state.view.tags;
  }

  get comment(): string {
    return this.#state.view.comment;
  }

  /** The task that this one was cloned from. Of the task that this code runs as, known after `reload()`. */
  get parent(): string | undefined {
    return this.#state.view.parent;
  }

  /** The run that it is a step of. */
  get run(): string | undefined {
    return this.#state.view.run;
  }

  /** Executions so far; 0: it never ran. */
  get attempt(): number {
    return this.#state.view.attempt;
  }

  /** 0 to 100. */
  get progress(): number | undefined {
    return this.#state.view.progress;
  }

  /** Where it waits, or waited last. */
  get queue(): string | undefined {
    return this.#state.view.queue;
  }

  /** Why it failed or was aborted. */
  get error(): ErrorRecord | undefined {
    return this.#state.view.error;
  }

  /**
   * What it executes: the script's file, its npm packages, the state of git. Of the task that this code runs
   * as, known after `reload()`, like the times.
   */
  get script(): Pick<TaskScript, 'file' | 'dependencies' | 'node' | 'git'> | undefined {
    return this.#state.view.script;
  }

  /** ISO times. */
  get createdAt(): string | undefined {
    return this.#state.view.createdAt || undefined;
  }

  get startedAt(): string | undefined {
    return this.#state.view.startedAt;
  }

  get finishedAt(): string | undefined {
    return this.#state.view.finishedAt;
  }

  /**
   * Its artifacts, by name: their records, and `get()` and `getLocalCopy()`. A name that it has not got is an
   * error that says which it has.
   */
  get artifacts(): TaskArtifacts<Artifacts> {
    return this.#state.artifacts();
  }

  /**
   * Scalars, tables, plots, images and texts; of the task that this code runs as only.
   *
   * @throws RunPipelineError for any other task
   */
  get logger(): TaskLogger {
    return this.#state.requireLive('logger', undefined).current.logger;
  }

  /** Aborts when the task is asked to stop. Of another task it never does. */
  get signal(): AbortSignal {
    return this.#state.live?.current.signal ?? new AbortController().signal;
  }

  /** The curves that it has reported, by title and series: `{ loss: { train: { x: [0, 1], y: [0.9, 0.4] } } }`. */
  async getReportedScalars(): Promise<ReportedScalars> {
    return scalarsOf((await this.#reported(callSite(this.getReportedScalars))).reports);
  }

  /** The single values that it has reported: `{ accuracy: 0.97 }`. */
  async getReportedSingleValues(): Promise<Readonly<Record<string, number>>> {
    return singleValuesOf((await this.#reported(callSite(this.getReportedSingleValues))).reports);
  }

  /** What it has printed, both streams, in order of arrival. */
  async getReportedConsoleOutput(): Promise<string> {
    const { console } = await this.#reported(callSite(this.getReportedConsoleOutput));
    return console.map(({ text }) => text).join('');
  }

  // ── parameters ──

  /**
   * Connects an object of defaults: what was set from outside (`run-pipeline task clone --arg`, the
   * parameters of a step) replaces them in place, each as the type of its default; what they are then is
   * recorded. Text is understood as that type: numbers, `true`, dates, JSON for arrays and objects. Plain
   * objects inside are parameters of their own: `General/optimizer/lr`.
   *
   * @param args the object; it is changed, and returned
   * @param section default `General`
   * @throws RunPipelineError that names every parameter that does not fit; nothing is changed then
   * @example
   * ```ts no-run
   * const args = { dataset_url: '', random_state: 42, test_size: 0.2 };
   * task.connect(args);
   * console.log(args.test_size);
   * ```
   */
  connect<T extends object>(args: T, section: string = GENERAL): T {
    const at = callSite(this.connect);
    this.#state.requireLive('connect', at);
    if (typeof args !== 'object' || args === null || Array.isArray(args))
      throw wrongCall('connect', `takes an object of parameters, not ${describeValue(args)}`, at);
    if (typeof section !== 'string' || !/^[^/:]+$/.test(section))
      throw wrongCall(
        'connect',
        `takes the name of a section, without / and :, not ${describeValue(section)}`,
        at,
      );
    const { parameters } = this.#state.view;
    const given = Object.hasOwn(parameters, section) ? parameters[section]! : {};
    const recorded = connectValues({ target: args, section, given, at });
    this.#state.changeLive({ parameters: Object.fromEntries([[section, recorded]]) });
    return args;
  }

  /**
   * Connects a larger piece of configuration: an object, which what was set from outside replaces in place;
   * or the path of a file, whose text is recorded. The path that comes back is the one to read: another
   * file when the text was set from outside. A step whose file is not one of its assets is not cached.
   *
   * @throws RunPipelineError when the file cannot be read, or what was set from outside does not fit
   * @example
   * ```ts no-run
   * const network = task.connectConfiguration({ layers: [64, 32] }, { name: 'network' });
   * const path = task.connectConfiguration('labels.txt', { name: 'labels' });
   * ```
   */
  connectConfiguration<T extends object | string>(
    configuration: T,
    options: { readonly name?: string } = {},
  ): T extends string ? string : T {
    const at = callSite(this.connectConfiguration);
    const live = this.#state.requireLive('connectConfiguration', at);
    const name = readOptions('connectConfiguration()', options, ['name'], at).string('name') ?? GENERAL;
    const known = this.#state.view.configurations;
    const given = Object.hasOwn(known, name) ? known[name] : undefined;
    type Result = T extends string ? string : T;
    if (typeof configuration === 'string') {
      const scratch = join(live.task.state?.home ?? process.cwd(), 'tmp');
      const { recorded, path } = connectFile(configuration, { name, at, given, scratch });
      if (given === undefined && !isKept(live.task.state?.home, configuration))
        live.task.markUncacheable(`connectConfiguration reads ${configuration}, which may change`);
      this.#state.changeLive({ configurations: Object.fromEntries([[name, recorded]]) });
      return path as Result;
    }
    if (typeof configuration !== 'object' || configuration === null)
      throw wrongCall(
        'connectConfiguration',
        `takes an object or the path of a file, not ${describeValue(configuration)}`,
        at,
      );
    const recorded = connectObject(configuration, { name, at, given });
    this.#state.changeLive({ configurations: Object.fromEntries([[name, recorded]]) });
    return configuration as unknown as Result;
  }

  /** Values by `Section/name`: those of the defaults that were connected, and those set from outside. */
  getParameters(): Readonly<Record<string, unknown>> {
    return flatParameters(this.#state.view.parameters);
  }

  /** One of them; a name without a section is one of `General`. */
  getParameter(name: string): unknown {
    const { section, name: rest } = keyOf(name);
    const values = this.getParameters();
    const key = `${section}/${rest}`;
    return Object.hasOwn(values, key) ? values[key] : undefined;
  }

  /**
   * Sets parameters by `Section/name` (a name alone: `General`); others stay. Of another task only while it
   * is a draft or waits: what ran must stay what ran.
   */
  async setParameters(values: Readonly<Record<string, unknown>>): Promise<void> {
    const at = callSite(this.setParameters);
    await this.#state.change({ parameters: encodeParameters(values, { what: 'setParameters()', at }) }, at);
  }

  async setParameter(name: string, value: unknown): Promise<void> {
    const at = callSite(this.setParameter);
    if (typeof name !== 'string')
      throw wrongCall('setParameter', `takes a name, not ${describeValue(name)}`, at);
    const values = Object.fromEntries([[name, value]]);
    await this.#state.change({ parameters: encodeParameters(values, { what: 'setParameter()', at }) }, at);
  }

  /** A configuration as it is recorded; undefined: there is none of this name. */
  getConfiguration(name: string = GENERAL): unknown {
    const known = this.#state.view.configurations;
    return Object.hasOwn(known, name) ? decodeJsonValue(known[name]!) : undefined;
  }

  async setConfiguration(name: string, value: unknown): Promise<void> {
    const at = callSite(this.setConfiguration);
    if (typeof name !== 'string' || name === '')
      throw wrongCall('setConfiguration', `takes a name that is not empty, not ${describeValue(name)}`, at);
    const values = Object.fromEntries([[name, value]]);
    const configurations = encodeConfigurations(values, { what: 'setConfiguration()', at });
    await this.#state.change({ configurations }, at);
  }

  // ── artifacts, progress, how it is found ──

  /**
   * Keeps a value as an artifact of this task. A string that names an existing file or folder uploads that.
   * The same name again replaces it. It is durable when the promise resolves.
   *
   * @param name letters, digits, `_` and `-`
   * @throws RunPipelineError when the value cannot be stored without loss, or the file cannot be read
   * @example
   * ```ts no-run
   * await task.uploadArtifact('dataset', 'iris.csv');
   * await task.uploadArtifact('X_train', [[5.1, 3.5], [4.9, 3.0]]);
   * ```
   */
  async uploadArtifact(name: string, value: unknown): Promise<void> {
    await this.#state.requireLive('uploadArtifact', callSite(this.uploadArtifact)).task.upload(name, value);
  }

  /** @param percent 0 to 100 */
  async setProgress(percent: number): Promise<void> {
    const at = callSite(this.setProgress);
    if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100))
      throw wrongCall('setProgress', `takes a number from 0 to 100, not ${describeValue(percent)}`, at);
    await this.#state.change({ progress: percent }, at);
  }

  async addTags(...tags: readonly string[]): Promise<void> {
    const at = callSite(this.addTags);
    await this.#state.change({ addTags: checkTags('addTags', tags, at) }, at);
  }

  /** All of them. */
  async setTags(tags: readonly string[]): Promise<void> {
    const at = callSite(this.setTags);
    await this.#state.change({ tags: checkTags('setTags', tags, at) }, at);
  }

  async setComment(comment: string): Promise<void> {
    const at = callSite(this.setComment);
    if (typeof comment !== 'string')
      throw wrongCall('setComment', `takes a text, not ${describeValue(comment)}`, at);
    await this.#state.change({ comment }, at);
  }

  async setName(name: string): Promise<void> {
    const at = callSite(this.setName);
    if (typeof name !== 'string' || name === '')
      throw wrongCall('setName', `takes a text that is not empty, not ${describeValue(name)}`, at);
    await this.#state.change({ name }, at);
  }

  // ── its life ──

  /**
   * Leaves the execution to an agent. Run by hand, the task becomes a draft (a template to clone) with what
   * has been connected so far, or waits in `queue`; the process exits with code 0. Executed by an agent, or
   * inside a step, it does nothing. Nothing after it runs by hand, whether it is awaited or not.
   *
   * @throws RunPipelineError when the script could not be packaged: then no agent could execute it
   * @example
   * ```ts no-run
   * const args = task.connect({ dataset_task_id: '' });
   * await task.executeRemotely();
   * const data = await Task.get(args.dataset_task_id);
   * ```
   */
  executeRemotely(queue?: string, options: Omit<TaskEnqueueOptions, 'queue'> = {}): Promise<void> {
    const at = callSite(this.executeRemotely);
    const live = this.#state.requireLive('executeRemotely', at);
    const known = ['queue', 'priority', 'resources'];
    const reader = readOptions('executeRemotely()', { ...options, queue }, known, at);
    const job = reader.string('queue');
    const priority = reader.priority() ?? 0;
    const resources = reader.resources();
    if (live.task.place === 'worker') return Promise.resolve();
    const needs = resources === undefined ? {} : { resources };
    leaveScript(job === undefined ? undefined : { queue: job, priority, ...needs }, at);
    return Promise.resolve();
  }

  /**
   * Ends the task of a script that goes on; it is `completed`. Elsewhere it does nothing: an agent ends the
   * task when its script ends.
   */
  async close(): Promise<void> {
    await this.#endScript('completed', undefined);
  }

  /**
   * Ends the task of a script that goes on: it failed, with this reason. Elsewhere it throws the reason: a
   * task fails there by an error that nobody catches.
   */
  async markFailed(reason: string): Promise<void> {
    const error = { name: 'TaskFailed', code: 'marked-failed', message: reason };
    if (this.#state.live?.task.place === 'worker')
      throw new RunPipelineError({ kind: 'run', code: 'marked-failed', message: reason });
    await this.#endScript('failed', error);
  }

  /** A new draft with this task's code, parameters and configurations. */
  async clone(changes: TaskCloneChanges = {}): Promise<Task> {
    return fromFound(await cloneOf('clone()', { ...changes, source: this.id }, callSite(this.clone)));
  }

  /** Puts it into a queue, from which an agent takes it. */
  async enqueue(options: string | TaskEnqueueOptions = {}): Promise<void> {
    const at = callSite(this.enqueue);
    const { project, view } = await putIntoQueue('enqueue()', { task: this.id, options }, at);
    await this.#state.look(project, view);
  }

  /**
   * Makes a draft, or a task that has completed, a template: nothing of it changes any more but its tags and
   * comment.
   */
  async publish(): Promise<void> {
    const at = callSite(this.publish);
    const project = await this.#state.project('publish', at);
    const task = await requireById(project.store, this.id);
    await this.#state.look(project, await publishTask(project.store, task, at));
  }

  /** Looks again: status, parameters, artifacts. */
  async reload(): Promise<this> {
    const at = callSite(this.reload);
    const project = await this.#state.project('reload', at);
    await this.#state.look(project, await requireById(project.store, this.id));
    return this;
  }

  /**
   * Waits until the task has one of these statuses; default: until it has ended well (`completed`,
   * `published`, `cached`) or was aborted or skipped.
   *
   * @returns the status
   * @throws TaskFailed when it comes to one of `raiseOn` (default `failed`) instead
   * @example
   * ```ts no-run
   * const task = await Task.enqueue('TASK_ID', { queue: 'default' });
   * await task.waitForStatus('completed', { timeout: '10m' });
   * ```
   */
  async waitForStatus(
    status?: TaskStatus | readonly TaskStatus[],
    options: WaitOptions = {},
  ): Promise<TaskStatus> {
    const at = callSite(this.waitForStatus);
    const reader = readOptions(
      'waitForStatus()',
      { ...options, status },
      ['status', 'raiseOn', 'timeout', 'signal'],
      at,
    );
    const raiseOn = reader.statuses('raiseOn') ?? ['failed'];
    const wanted = reader.statuses('status') ?? ENDED.filter((one) => one !== 'failed');
    const timeout = options.timeout === undefined ? undefined : durationMs(options.timeout);
    if (options.timeout !== undefined && timeout === undefined)
      throw reader.error('option-type', `takes milliseconds, or a duration like '10m', as "timeout"`);
    const project = await this.#state.project('waitForStatus', at);
    const view = await waitForStatus(project.store, this.id, {
      wanted,
      // Who waits for it is not surprised by it.
      raiseOn: raiseOn.filter((one) => !wanted.includes(one)),
      timeout,
      signal: options.signal,
      at,
    });
    if (this.#state.live === undefined) await this.#state.look(project, view);
    return view.status;
  }

  // ──

  /** For `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Task ${this.#state.label} ${this.status}`;
  }

  async #reported(at: SourceLocation | undefined): Promise<Reported> {
    const project = await this.#state.project('getReported…', at);
    return readReported(project.store, await requireById(project.store, this.id));
  }

  async #endScript(status: 'completed' | 'failed', error: ErrorRecord | undefined): Promise<void> {
    if (this.#state.live?.task.place !== 'process') return;
    const project = await reachProject('close', undefined);
    await scriptHere()?.end(status, error);
    await this.#state.look(project, await requireById(project.store, this.id));
    this.#state.leaveLive();
  }
}

/** One `Task` for what a process runs as: it remembers what it changed. */
const TASKS = new WeakMap<CurrentTask, Task>();

function taskOf(current: CurrentTask): Task {
  const known = TASKS.get(current);
  if (known !== undefined) return known;
  const live = liveTaskOf(current);
  if (live === undefined) throw new Error('this task was started by another version of run-pipeline');
  const task = new Task(new Made(TaskState.live({ current, task: live })) as never);
  TASKS.set(current, task);
  return task;
}

const fromFound = async <Artifacts>({ project, view }: FoundTask): Promise<Task<Artifacts>> =>
  new Task<Artifacts>(new Made(await TaskState.stored(project, view)) as never);

/** Assets, and copies of artifacts, stay what they are; they lie in the project's state. */
const isKept = (home: string | undefined, path: string): boolean =>
  home !== undefined && resolve(path).startsWith(home + sep);

const wrongCall = (call: string, problem: string, at: SourceLocation | undefined): RunPipelineError =>
  new RunPipelineError({ kind: 'usage', code: 'option-type', message: `${call} ${problem}`, at });

function checkTags(call: string, tags: readonly string[], at: SourceLocation | undefined): readonly string[] {
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag !== '')) return [...tags];
  throw wrongCall(call, 'takes texts that are not empty', at);
}
