import { join } from 'node:path';
import { callSite, describeValue, durationMs } from '@run-pipeline/core/define';
import {
  mergeEdits,
  RunPipelineError,
  type ErrorRecord,
  type SourceLocation,
  type StoredArtifact,
  type TaskEdit,
  type TaskScript,
  type TaskStatus,
  type TaskType,
} from '@run-pipeline/core/model';
import type { Project } from '../project/project.js';
import { decodeJsonValue, encodeJsonValue } from '../artifacts/index.js';
import {
  findCurrentTask,
  liveTaskOf,
  type CurrentTask,
  type LiveTask,
  type TaskLogger,
} from '../task/index.js';
import { scratchOf, storedAccess, storedBytes } from './artifact-access.js';
import { connectFile, connectObject } from './connect-configuration.js';
import { connectValues } from './connect.js';
import { requireById, requireByName } from './find-task.js';
import { leaveScript } from './leave-script.js';
import { encodeParameters, flatParameters, GENERAL, keyOf } from './parameter-names.js';
import { reachProject } from './reach-project.js';
import { scriptHere, scriptStarting, setScriptHere } from './script-here.js';
import { artifactsByName, type TaskArtifacts } from './task-artifact.js';
import { taskHost } from './task-host.js';
import {
  cloneTask,
  createDraft,
  editStored,
  ENDED,
  enqueueTask,
  publishTask,
  scriptOf,
} from './task-operations.js';
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
import { readViewArtifacts, viewOfRecord, type TaskView } from './task-view.js';
import { waitForStatus } from './wait-for-status.js';

const DEFAULT_TYPE: TaskType = 'training';
const DEFAULT_QUEUE = 'default';
const INIT_OPTIONS = ['project', 'name', 'type', 'tags', 'comment', 'assets', 'source'] as const;
const CREATE_OPTIONS = [
  'project',
  'name',
  'script',
  'type',
  'tags',
  'comment',
  'parameters',
  'configurations',
  'assets',
] as const;
const CLONE_OPTIONS = ['name', 'project', 'comment', 'tags', 'parameters', 'configurations'] as const;
const SEARCH_OPTIONS = ['project', 'name', 'tags', 'status', 'type', 'parent', 'steps', 'limit'] as const;
const DEFAULT_LIMIT = 100;

/** A task that is recorded in the project, as it was at the last look. */
interface Stored {
  readonly project: Project;
  readonly view: TaskView;
  readonly artifacts: readonly StoredArtifact[];
}

/** The task that this code runs as. */
interface Live {
  readonly current: CurrentTask;
  readonly task: LiveTask;
}

/** What a `Task` is made of; nobody else can make one. */
class Made {
  readonly live: Live | undefined;
  readonly stored: Stored | undefined;

  constructor(of: { readonly live?: Live; readonly stored?: Stored }) {
    this.live = of.live;
    this.stored = of.stored;
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
  #live: Live | undefined;
  #stored: Stored | undefined;
  /** What this process changed of the live task, which it cannot read back. */
  #edit: TaskEdit = {};

  static {
    // Bundlers rename a class that mentions itself.
    Object.defineProperty(this, 'name', { value: 'Task' });
  }

  /** Not to be called: `Task.init`, `Task.get` and the others give tasks. */
  constructor(made: never) {
    const given: unknown = made;
    if (!(given instanceof Made))
      throw new TypeError('tasks are made by Task.init, Task.create and Task.clone');
    this.#live = given.live;
    this.#stored = given.stored;
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
    const at = callSite(Task.init);
    const reader = readOptions('Task.init()', options, INIT_OPTIONS, at);
    const task = {
      project: reader.requiredString('project'),
      name: reader.requiredString('name'),
      type: reader.type() ?? DEFAULT_TYPE,
      tags: reader.strings('tags') ?? [],
      comment: reader.comment() ?? '',
      assets: reader.strings('assets') ?? [],
    };
    const source = reader.source();
    const starting = scriptStarting();
    if (starting !== undefined) await starting;
    const running = findCurrentTask();
    if (running !== undefined) {
      const attached = taskOf(running);
      if (attached.#live?.task.place === 'process') requireSame(attached, task, at);
      return attached;
    }
    const host = taskHost();
    if (!host.mayStart) throw notHere(at);
    const place = { call: at, source };
    const script = await setScriptHere(
      import('./start-script.js').then(({ startScript }) => startScript(host, task, place)),
    );
    return taskOf(script.current);
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
    const at = callSite(Task.get);
    const reader = readOptions(
      'Task.get()',
      typeof query === 'string' ? { id: query } : query,
      ['id', 'project', 'name'],
      at,
    );
    const id = reader.string('id');
    if (id !== undefined && (reader.string('project') ?? reader.string('name')) !== undefined)
      throw reader.error('option-type', 'takes either "id", or "project" and "name"');
    const look =
      id === undefined
        ? { project: reader.requiredString('project'), name: reader.requiredString('name') }
        : undefined;
    const project = await reachProject('Task.get', at);
    const view = await (look === undefined
      ? requireById(project.store, id!)
      : requireByName(project.store, look));
    return fromView(project, view);
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
    const at = callSite(Task.query);
    const reader = readOptions('Task.query()', search, SEARCH_OPTIONS, at);
    const [status, type, tags] = [reader.statuses('status'), reader.types(), reader.strings('tags')];
    const [named, inProject, parent] = [
      reader.string('name'),
      reader.string('project'),
      reader.string('parent'),
    ];
    const project = await reachProject('Task.query', at);
    const records = await project.store.findTasks({
      ...(inProject !== undefined && { project: inProject }),
      ...(named !== undefined && { name: named }),
      ...(tags !== undefined && { tags }),
      ...(status !== undefined && { status }),
      ...(type !== undefined && { type }),
      ...(parent !== undefined && { parent: parent as TaskView['id'] }),
      steps: reader.boolean('steps') ?? false,
      limit: reader.count('limit', 1) ?? DEFAULT_LIMIT,
    });
    return Promise.all(records.map((record) => fromView(project, viewOfRecord(record))));
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
    const at = callSite(Task.create);
    const reader = readOptions('Task.create()', options, CREATE_OPTIONS, at);
    const what = { what: 'Task.create()', at };
    const draft = {
      project: reader.requiredString('project'),
      name: reader.requiredString('name'),
      type: reader.type() ?? DEFAULT_TYPE,
      tags: reader.strings('tags') ?? [],
      comment: reader.comment() ?? '',
      parameters: encodeParameters(reader.raw('parameters') ?? {}, what),
      configurations: encodeConfigurations(reader.raw('configurations') ?? {}),
    };
    const file = reader.requiredString('script');
    const assets = reader.strings('assets') ?? [];
    const project = await reachProject('Task.create', at);
    const packaged = await taskHost().packageScript({
      paths: { ...project, cwd: process.cwd() },
      file,
      assets,
    });
    return fromView(project, await createDraft(project.store, { ...draft, script: scriptOf(packaged) }));
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
    const at = callSite(Task.clone);
    const reader = readOptions('Task.clone()', options, ['source', ...CLONE_OPTIONS], at);
    const id = idOf(reader.raw('source'));
    if (id === undefined) throw reader.error('option-type', 'takes a task, or its id, as "source"');
    return cloneOf(id, options, 'Task.clone()', at);
  }

  /**
   * Puts a task into a queue, from which an agent takes it: a draft, or one that failed or was aborted.
   *
   * @returns the task, as it is then
   */
  static async enqueue(task: Task | string, options: string | TaskEnqueueOptions = {}): Promise<Task> {
    const at = callSite(Task.enqueue);
    const id = idOf(task);
    const given = typeof options === 'string' ? { queue: options } : options;
    const reader = readOptions('Task.enqueue()', given, ['queue', 'priority'], at);
    if (id === undefined)
      throw reader.error('option-type', `takes a task, or its id, not ${describeValue(task)}`);
    const where = { queue: reader.string('queue') ?? DEFAULT_QUEUE, priority: reader.priority() };
    const project = await reachProject('Task.enqueue', at);
    const view = await requireById(project.store, id);
    return fromView(project, await enqueueTask(project.store, view, where, at));
  }

  // ── what is known of it ──

  get id(): string {
    return this.#live?.current.id ?? this.#view.id;
  }

  get name(): string {
    return this.#edit.name ?? this.#live?.task.name ?? this.#view.name;
  }

  get project(): string {
    return this.#edit.project ?? this.#live?.task.project ?? this.#view.project;
  }

  get type(): TaskType {
    return this.#edit.type ?? this.#live?.task.type ?? this.#view.type;
  }

  /** At the last look: `reload()` looks again. */
  get status(): TaskStatus {
    return this.#live === undefined ? this.#view.status : 'running';
  }

  get tags(): readonly string[] {
    if (this.#live === undefined) return this.#view.tags;
    return [...new Set([...(this.#edit.tags ?? this.#live.task.tags), ...(this.#edit.addTags ?? [])])];
  }

  get comment(): string {
    return this.#edit.comment ?? this.#stored?.view.comment ?? '';
  }

  /** The task that this one was cloned from. */
  get parent(): string | undefined {
    return this.#stored?.view.parent;
  }

  /** The run that it is a step of. */
  get run(): string | undefined {
    if (this.#live === undefined) return this.#view.run;
    const { run, id } = this.#live.current;
    return run === id ? undefined : run;
  }

  /** Executions so far; 0: it never ran. */
  get attempt(): number {
    return this.#live?.current.attempt ?? this.#view.attempt;
  }

  /** 0 to 100. */
  get progress(): number | undefined {
    return this.#edit.progress ?? this.#stored?.view.progress;
  }

  /** Where it waits, or waited last. */
  get queue(): string | undefined {
    return this.#stored?.view.queue;
  }

  /** Why it failed or was aborted. */
  get error(): ErrorRecord | undefined {
    return this.#stored?.view.error;
  }

  /** What it executes: the script's file, its npm packages, the state of git. */
  get script(): Pick<TaskScript, 'file' | 'dependencies' | 'node' | 'git'> | undefined {
    return this.#stored?.view.script;
  }

  /** ISO times. */
  get createdAt(): string | undefined {
    return this.#stored?.view.createdAt;
  }

  get startedAt(): string | undefined {
    return this.#stored?.view.startedAt;
  }

  get finishedAt(): string | undefined {
    return this.#stored?.view.finishedAt;
  }

  /**
   * Its artifacts, by name: their records, and `get()` and `getLocalCopy()`. A name that it has not got is an
   * error that says which it has.
   */
  get artifacts(): TaskArtifacts<Artifacts> {
    const live = this.#live;
    if (live === undefined) {
      const { project, artifacts } = this.#stored!;
      return artifactsByName({ artifacts, label: this.#label, access: (one) => storedAccess(project, one) });
    }
    const uploaded = [...live.task.uploaded().values()];
    return artifactsByName({
      artifacts: uploaded,
      label: this.#label,
      access: (one) => ({
        read: () => live.task.decode(one),
        bytes: async () => storedBytes(await reachProject('getLocalCopy', undefined), one),
        directory: async () => scratchOf(await reachProject('getLocalCopy', undefined)),
      }),
    });
  }

  /**
   * Scalars, tables, plots, images and texts; of the task that this code runs as only.
   *
   * @throws RunPipelineError for any other task
   */
  get logger(): TaskLogger {
    return this.#requireLive('logger', undefined).current.logger;
  }

  /** Aborts when the task is asked to stop. Of another task it never does. */
  get signal(): AbortSignal {
    return this.#live?.current.signal ?? new AbortController().signal;
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
    const { task } = this.#requireLive('connect', at);
    if (typeof args !== 'object' || args === null || Array.isArray(args))
      throw wrongCall('connect', `takes an object of parameters, not ${describeValue(args)}`, at);
    if (typeof section !== 'string' || !/^[^/:]+$/.test(section))
      throw wrongCall(
        'connect',
        `takes the name of a section, without / and :, not ${describeValue(section)}`,
        at,
      );
    const parameters = mergeEdits({ parameters: task.parameters }, this.#edit).parameters ?? {};
    const given = Object.hasOwn(parameters, section) ? parameters[section]! : {};
    const recorded = connectValues({ target: args, section, given, at });
    this.#editLive({ parameters: Object.fromEntries([[section, recorded]]) });
    return args;
  }

  /**
   * Connects a larger piece of configuration: an object, which what was set from outside replaces in place;
   * or the path of a file, whose text is recorded. The path that comes back is the one to read: another
   * file when the text was set from outside.
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
    const live = this.#requireLive('connectConfiguration', at);
    const name = readOptions('connectConfiguration()', options, ['name'], at).string('name') ?? GENERAL;
    const known = { ...live.task.configurations, ...this.#edit.configurations };
    const given = Object.hasOwn(known, name) ? known[name] : undefined;
    type Result = T extends string ? string : T;
    if (typeof configuration === 'string') {
      const scratch = join(live.task.state?.home ?? process.cwd(), 'tmp');
      const { recorded, path } = connectFile(configuration, { name, at, given, scratch });
      this.#editLive({ configurations: Object.fromEntries([[name, recorded]]) });
      return path as Result;
    }
    if (typeof configuration !== 'object' || configuration === null)
      throw wrongCall(
        'connectConfiguration',
        `takes an object or the path of a file, not ${describeValue(configuration)}`,
        at,
      );
    const recorded = connectObject(configuration, { name, at, given });
    this.#editLive({ configurations: Object.fromEntries([[name, recorded]]) });
    return configuration as unknown as Result;
  }

  /** Values by `Section/name`: those of the defaults that were connected, and those set from outside. */
  getParameters(): Readonly<Record<string, unknown>> {
    if (this.#live === undefined) return flatParameters(this.#view.parameters);
    return flatParameters(
      mergeEdits({ parameters: this.#live.task.parameters }, this.#edit).parameters ?? {},
    );
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
    await this.#change({ parameters: encodeParameters(values, { what: 'setParameters()', at }) }, at);
  }

  async setParameter(name: string, value: unknown): Promise<void> {
    const at = callSite(this.setParameter);
    const values = Object.fromEntries([[name, value]]);
    await this.#change({ parameters: encodeParameters(values, { what: 'setParameter()', at }) }, at);
  }

  /** A configuration as it is recorded; undefined: there is none of this name. */
  getConfiguration(name: string = GENERAL): unknown {
    const known =
      this.#live === undefined
        ? this.#view.configurations
        : { ...this.#live.task.configurations, ...this.#edit.configurations };
    return Object.hasOwn(known, name) ? decodeJsonValue(known[name]!) : undefined;
  }

  async setConfiguration(name: string, value: unknown): Promise<void> {
    const at = callSite(this.setConfiguration);
    await this.#change({ configurations: encodeConfigurations(Object.fromEntries([[name, value]])) }, at);
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
    await this.#requireLive('uploadArtifact', callSite(this.uploadArtifact)).task.upload(name, value);
  }

  /** @param percent 0 to 100 */
  async setProgress(percent: number): Promise<void> {
    const at = callSite(this.setProgress);
    if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100))
      throw wrongCall('setProgress', `takes a number from 0 to 100, not ${describeValue(percent)}`, at);
    await this.#change({ progress: percent }, at);
  }

  async addTags(...tags: readonly string[]): Promise<void> {
    const at = callSite(this.addTags);
    await this.#change({ addTags: checkTags('addTags', tags, at) }, at);
  }

  /** All of them. */
  async setTags(tags: readonly string[]): Promise<void> {
    const at = callSite(this.setTags);
    await this.#change({ tags: checkTags('setTags', tags, at) }, at);
  }

  async setComment(comment: string): Promise<void> {
    const at = callSite(this.setComment);
    if (typeof comment !== 'string')
      throw wrongCall('setComment', `takes a text, not ${describeValue(comment)}`, at);
    await this.#change({ comment }, at);
  }

  async setName(name: string): Promise<void> {
    const at = callSite(this.setName);
    if (typeof name !== 'string' || name === '')
      throw wrongCall('setName', `takes a text that is not empty, not ${describeValue(name)}`, at);
    await this.#change({ name }, at);
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
  executeRemotely(queue?: string, options: { readonly priority?: number } = {}): Promise<void> {
    const at = callSite(this.executeRemotely);
    const live = this.#requireLive('executeRemotely', at);
    const reader = readOptions('executeRemotely()', { ...options, queue }, ['queue', 'priority'], at);
    const job = reader.string('queue');
    const priority = reader.priority();
    if (live.task.place === 'worker') return Promise.resolve();
    leaveScript(job === undefined ? undefined : { queue: job, priority }, at);
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
    if (this.#live?.task.place === 'worker')
      throw new RunPipelineError({ kind: 'run', code: 'marked-failed', message: reason });
    await this.#endScript('failed', error);
  }

  /** A new draft with this task's code, parameters and configurations. */
  async clone(changes: TaskCloneChanges = {}): Promise<Task> {
    const at = callSite(this.clone);
    readOptions('clone()', changes, CLONE_OPTIONS, at);
    return cloneOf(this.id, changes, 'clone()', at);
  }

  /** Puts it into a queue, from which an agent takes it. */
  async enqueue(options: string | TaskEnqueueOptions = {}): Promise<void> {
    const given = typeof options === 'string' ? { queue: options } : options;
    const at = callSite(this.enqueue);
    const reader = readOptions('enqueue()', given, ['queue', 'priority'], at);
    const where = { queue: reader.string('queue') ?? DEFAULT_QUEUE, priority: reader.priority() };
    const { project } = await this.#requireStored('enqueue', at);
    await this.#look(
      project,
      await enqueueTask(project.store, await requireById(project.store, this.id), where, at),
    );
  }

  /**
   * Makes a draft, or a task that has completed, a template: nothing of it changes any more but its tags and
   * comment.
   */
  async publish(): Promise<void> {
    const at = callSite(this.publish);
    const { project } = await this.#requireStored('publish', at);
    await this.#look(
      project,
      await publishTask(project.store, await requireById(project.store, this.id), at),
    );
  }

  /** Looks again: status, parameters, artifacts. */
  async reload(): Promise<this> {
    const at = callSite(this.reload);
    const { project } = await this.#requireStored('reload', at);
    await this.#look(project, await requireById(project.store, this.id));
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
    const { project } = await this.#requireStored('waitForStatus', at);
    const view = await waitForStatus(project.store, this.id, {
      wanted,
      // Who waits for it is not surprised by it.
      raiseOn: raiseOn.filter((one) => !wanted.includes(one)),
      timeout,
      signal: options.signal,
      at,
    });
    if (this.#live === undefined) await this.#look(project, view);
    return view.status;
  }

  // ──

  /** For `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Task ${this.#label} ${this.status}`;
  }

  get #view(): TaskView {
    return this.#stored!.view;
  }

  get #label(): string {
    return `${this.project}/${this.name} (${this.id})`;
  }

  async #look(project: Project, view: TaskView): Promise<void> {
    this.#stored = { project, view, artifacts: await readViewArtifacts(project.store, view) };
  }

  #requireLive(call: string, at: SourceLocation | undefined): Live {
    if (this.#live !== undefined) return this.#live;
    throw new RunPipelineError({
      kind: 'usage',
      code: 'not-current-task',
      message: `${call}: ${this.#label} is not the task that this code runs as`,
      at,
      help: 'only the task that runs can do that: Task.current(), or what Task.init gave',
    });
  }

  /** Of a live task, too: other processes know it by the store. */
  async #requireStored(call: string, at: SourceLocation | undefined): Promise<{ readonly project: Project }> {
    if (this.#live === undefined) return this.#stored!;
    const project = await reachProject(call, at);
    await scriptHere()?.flush();
    return { project };
  }

  async #change(edit: TaskEdit, at: SourceLocation | undefined): Promise<void> {
    if (this.#live !== undefined) return this.#editLive(edit);
    const { project, artifacts } = this.#stored!;
    this.#stored = { project, artifacts, view: await editStored(project.store, this.#view, edit, at) };
  }

  #editLive(edit: TaskEdit): void {
    this.#edit = mergeEdits(this.#edit, edit);
    this.#live?.task.edit(edit);
  }

  async #endScript(status: 'completed' | 'failed', error: ErrorRecord | undefined): Promise<void> {
    const live = this.#live;
    if (live?.task.place !== 'process') return;
    const project = await reachProject('close', undefined);
    await scriptHere()?.end(status, error);
    await this.#look(project, await requireById(project.store, this.id));
    this.#live = undefined;
    this.#edit = {};
  }
}

/** One `Task` for what a process runs as: it remembers what it changed. */
const TASKS = new WeakMap<CurrentTask, Task>();

function taskOf(current: CurrentTask): Task {
  const known = TASKS.get(current);
  if (known !== undefined) return known;
  const live = liveTaskOf(current);
  if (live === undefined) throw new Error('this task was started by another version of run-pipeline');
  const task = new Task(new Made({ live: { current, task: live } }) as never);
  TASKS.set(current, task);
  return task;
}

async function fromView<Artifacts>(project: Project, view: TaskView): Promise<Task<Artifacts>> {
  const artifacts = await readViewArtifacts(project.store, view);
  return new Task<Artifacts>(new Made({ stored: { project, view, artifacts } }) as never);
}

async function cloneOf(
  id: string,
  changes: TaskCloneChanges,
  what: string,
  at: SourceLocation | undefined,
): Promise<Task> {
  const reader = readOptions(what, changes, ['source', ...CLONE_OPTIONS], at);
  const [name, inProject, tags] = [reader.string('name'), reader.string('project'), reader.strings('tags')];
  const comment = reader.comment();
  const { parameters, configurations } = changes;
  const checked = {
    ...(name !== undefined && { name }),
    ...(inProject !== undefined && { project: inProject }),
    ...(tags !== undefined && { tags }),
    ...(comment !== undefined && { comment }),
    ...(parameters !== undefined && { parameters: encodeParameters(parameters, { what, at }) }),
    ...(configurations !== undefined && { configurations: encodeConfigurations(configurations) }),
  };
  const project = await reachProject('Task.clone', at);
  await scriptHere()?.flush();
  const source = await requireById(project.store, id);
  return fromView(project, await cloneTask(project.store, source, checked, at));
}

function requireSame(
  attached: Task,
  wanted: { readonly project: string; readonly name: string },
  at: SourceLocation | undefined,
): void {
  if (attached.project === wanted.project && attached.name === wanted.name) return;
  throw new RunPipelineError({
    kind: 'usage',
    code: 'another-task',
    message: `Task.init: this process is the task ${attached.project}/${attached.name} already`,
    at,
    help: 'a process is one task at a time: await task.close() ends the first one',
  });
}

const notHere = (at: SourceLocation | undefined): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'task-in-definition',
    message: 'Task.init cannot be called here: the file is looked at as the definition of a pipeline',
    at,
    help: 'call it in a script of its own (npx tsx script.ts), or move it into a step',
  });

const wrongCall = (call: string, problem: string, at: SourceLocation | undefined): RunPipelineError =>
  new RunPipelineError({ kind: 'usage', code: 'option-type', message: `${call} ${problem}`, at });

function checkTags(call: string, tags: readonly string[], at: SourceLocation | undefined): readonly string[] {
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag !== '')) return [...tags];
  throw wrongCall(call, 'takes texts that are not empty', at);
}

function encodeConfigurations(values: unknown): NonNullable<TaskEdit['configurations']> {
  return Object.fromEntries(
    Object.entries(values as object).map(([name, value]) => [
      name,
      encodeJsonValue(value, `configuration ${name}`),
    ]),
  );
}

const idOf = (task: unknown): string | undefined => {
  const id = typeof task === 'object' && task !== null ? (task as { readonly id?: unknown }).id : task;
  return typeof id === 'string' && id !== '' ? id : undefined;
};
