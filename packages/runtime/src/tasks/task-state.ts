import {
  mergeEdits,
  RunPipelineError,
  taskId,
  type RunId,
  type SourceLocation,
  type StepName,
  type StoredArtifact,
  type TaskEdit,
} from '@run-pipeline/core/model';
import type { Project } from '../project/project.js';
import type { CurrentTask, LiveTask } from '../task/index.js';
import { scratchOf, storedAccess, storedBytes } from './artifact-access.js';
import { reachProject } from './reach-project.js';
import { scriptHere } from './script-here.js';
import { artifactsByName, type TaskArtifacts } from './task-artifact.js';
import { editStored, labelOf } from './task-operations.js';
import { readViewArtifacts, type TaskView } from './task-view.js';

/** A task that is recorded in the project, as it was at the last look. */
interface Stored {
  readonly project: Project;
  readonly view: TaskView;
  readonly artifacts: readonly StoredArtifact[];
}

/** The task that this code runs as. */
export interface Live {
  readonly current: CurrentTask;
  readonly task: LiveTask;
}

/** What a `Task` stands for: the task that this code runs as, or one that is recorded in the project. */
export class TaskState {
  #live: Live | undefined;
  #stored: Stored | undefined;
  /** What this process changed of the live task, which it cannot read back. */
  #edit: TaskEdit = {};

  private constructor(of: { readonly live?: Live; readonly stored?: Stored }) {
    this.#live = of.live;
    this.#stored = of.stored;
  }

  static live(live: Live): TaskState {
    return new TaskState({ live });
  }

  static async stored(project: Project, view: TaskView): Promise<TaskState> {
    const artifacts = await readViewArtifacts(project.store, view);
    return new TaskState({ stored: { project, view, artifacts } });
  }

  get live(): Live | undefined {
    return this.#live;
  }

  get view(): TaskView {
    return this.#live === undefined ? this.#stored!.view : this.#liveView(this.#live);
  }

  get label(): string {
    return labelOf(this.view);
  }

  /** @throws RunPipelineError when this code does not run as this task */
  requireLive(call: string, at: SourceLocation | undefined): Live {
    if (this.#live !== undefined) return this.#live;
    throw new RunPipelineError({
      kind: 'usage',
      code: 'not-current-task',
      message: `${call}: ${this.label} is not the task that this code runs as`,
      at,
      help: 'only the task that runs can do that: Task.current(), or what Task.init gave',
    });
  }

  /** The project that has the task's record; what a script has said of its own task is in it by then. */
  async project(call: string, at: SourceLocation | undefined): Promise<Project> {
    if (this.#live === undefined) return this.#stored!.project;
    const project = await reachProject(call, at);
    await scriptHere()?.flush();
    return project;
  }

  artifacts<Artifacts>(): TaskArtifacts<Artifacts> {
    const { label } = this;
    const live = this.#live;
    if (live === undefined) {
      const { project, artifacts } = this.#stored!;
      return artifactsByName({ artifacts, label, access: (one) => storedAccess(project, one) });
    }
    const project = (): Promise<Project> => reachProject('getLocalCopy', undefined);
    return artifactsByName({
      artifacts: [...live.task.uploaded().values()],
      label,
      access: (one) => ({
        read: () => live.task.decode(one),
        bytes: async () => storedBytes(await project(), one),
        directory: async () => scratchOf(await project()),
      }),
    });
  }

  async change(edit: TaskEdit, at: SourceLocation | undefined): Promise<void> {
    if (this.#live !== undefined) return this.changeLive(edit);
    const { project, artifacts, view } = this.#stored!;
    this.#stored = { project, artifacts, view: await editStored(project.store, view, edit, at) };
  }

  changeLive(edit: TaskEdit): void {
    this.#edit = mergeEdits(this.#edit, edit);
    this.#live?.task.edit(edit);
  }

  /** As it is now. */
  async look(project: Project, view: TaskView): Promise<void> {
    this.#stored = { project, view, artifacts: await readViewArtifacts(project.store, view) };
  }

  /** It has ended: from here on it is what is recorded of it. */
  leaveLive(): void {
    this.#live = undefined;
    this.#edit = {};
  }

  /** What is not told to whoever executes a task is known by its record only, once somebody has looked. */
  #liveView({ current, task }: Live): TaskView {
    const recorded = this.#stored?.view;
    const edit = mergeEdits({ parameters: task.parameters, configurations: task.configurations }, this.#edit);
    const isStep = current.run !== current.id;
    return {
      isRecord: recorded?.isRecord ?? true,
      id: taskId(current.id),
      project: edit.project ?? task.project,
      name: edit.name ?? task.name,
      type: edit.type ?? task.type,
      status: 'running',
      tags: [...new Set([...(edit.tags ?? task.tags), ...(edit.addTags ?? [])])],
      comment: edit.comment ?? recorded?.comment ?? '',
      parent: recorded?.parent,
      run: isStep ? (current.run as RunId) : undefined,
      step: isStep ? (current.name as StepName) : undefined,
      script: recorded?.script,
      parameters: edit.parameters ?? {},
      configurations: edit.configurations ?? {},
      progress: edit.progress ?? recorded?.progress,
      queue: recorded?.queue,
      priority: recorded?.priority ?? 0,
      resources: recorded?.resources ?? {},
      attempt: current.attempt,
      createdAt: recorded?.createdAt ?? '',
      startedAt: recorded?.startedAt,
      finishedAt: undefined,
      error: undefined,
      leaseExpired: false,
    };
  }
}
