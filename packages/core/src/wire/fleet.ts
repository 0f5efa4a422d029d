import type { ArtifactRecord, Report } from '../model/artifact.js';
import type { TaskRecord } from '../model/task.js';
import type { AgentRow, QueuedJob, QueueRow } from '../ports/task-store.js';

/** A record as JSON: parameters and configurations as text that people read. */
export type TaskItem = Omit<TaskRecord, 'parameters' | 'configurations'> & {
  readonly parameters: readonly { readonly section: string; readonly name: string; readonly value: string }[];
  readonly configurations: readonly { readonly name: string; readonly value: string }[];
};

export interface TaskQueryText {
  /** `status:queued project:examples tag:nightly text`. */
  readonly q?: string;
  readonly cursor?: string;
  readonly limit?: number;
}
export interface TaskList {
  readonly tasks: readonly TaskItem[];
  readonly next?: string;
}
export interface TaskDetails {
  readonly task: TaskItem;
  readonly artifacts: readonly ArtifactRecord[];
  readonly reports: readonly Report[];
  readonly children: readonly Pick<TaskItem, 'id' | 'name' | 'status'>[];
}
export interface Queues {
  readonly queues: readonly QueueRow[];
}
export interface QueueDetails {
  readonly queue: QueueRow;
  readonly jobs: readonly QueuedJob[];
  readonly agents: readonly string[];
}
export interface Agents {
  readonly agents: readonly (Omit<AgentRow, 'identity'> & { readonly host: string; readonly pid: number })[];
}
