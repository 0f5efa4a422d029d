import type { TaskEdit, TaskId } from '@run-pipeline/core/model';
import type {
  NewAgent,
  NewEnding,
  NewJob,
  NewTask,
  ProcessIdentity,
  QueueLimitsEdit,
  RunOwnership,
  Store,
  TaskClaim,
  TaskQuery,
  TaskStop,
  TaskStore,
} from '@run-pipeline/core/ports';
import { StoreAccess } from './access.js';
import { heartbeatAgent, listAgents, registerAgent, removeAgent } from './agents.js';
import {
  abortTask,
  claimQueued,
  leaveTask,
  readAttempts,
  readTaskStops,
  releaseTask,
  requestTaskStop,
  setTaskExecutor,
  startTask,
} from './attempts.js';
import { clearQueue, enqueueTask, listQueued, withdrawTask } from './jobs.js';
import { runLane, type Lane } from './lanes.js';
import { expiredAttempts, inLockOrder, recoverAttempt, type Recovered } from './lost-attempts.js';
import { nextQueued } from './next-queued.js';
import { setQueueLimits } from './queue-limits.js';
import { createQueue, listQueues } from './queues.js';
import { finishAttempt, readTaskArtifacts, readTaskEnding } from './task-endings.js';
import { appendTaskOutput, readTaskOutput } from './task-output.js';
import { createTask, editTask, findTasks, publishTask, readTask } from './task-records.js';
import { claimTask, getTask, heartbeatTask, listTasks } from './tasks.js';

type Operations = Omit<TaskStore, 'watch'> &
  Pick<Store, 'claimTask' | 'heartbeatTask' | 'getTask' | 'listTasks'>;

const taskLane = (task: TaskId): Lane => ({ name: `task ${task}` });
/** Jobs that come in one moment stand in their queue in that order, whatever they are. */
const queueLane = (queue: string): Lane => ({ name: `queue ${queue}` });
const agentLane = (agent: string): Lane => ({ name: `agent ${agent}` });

/** The operations of `TaskStore`; what they do is in the files named after what they are about. */
export abstract class PostgresTasks extends StoreAccess implements Operations {
  claimTask(claim: TaskClaim) {
    return this.write(runLane(claim.run), (batch) => claimTask(batch, claim));
  }
  heartbeatTask(task: TaskId, fence: number, leaseMs: number) {
    return this.renew((sql) => heartbeatTask(sql, task, fence, leaseMs));
  }
  getTask(task: TaskId) {
    return this.read((sql) => getTask(sql, task));
  }
  listTasks(query: Parameters<Store['listTasks']>[0]) {
    return this.read((sql) => listTasks(sql, query));
  }

  createTask(task: NewTask) {
    return this.write(taskLane(task.id), (batch) => createTask(batch, task));
  }
  readTask(task: TaskId) {
    return this.read((sql) => readTask(sql, task));
  }
  findTasks(query: TaskQuery) {
    return this.read((sql) => findTasks(sql, query));
  }
  editTask(task: TaskId, edit: TaskEdit, options: Parameters<Store['editTask']>[2] = {}) {
    return this.write(taskLane(task), (batch) => editTask(batch, task, edit, options));
  }
  publishTask(task: TaskId) {
    return this.write(taskLane(task), (batch) => publishTask(batch, task));
  }
  abortTask(task: TaskId, reason: string) {
    return this.write(taskLane(task), (batch) => abortTask(batch, task, reason));
  }

  enqueueTask(job: NewJob) {
    const lane = job.run === undefined ? queueLane(job.queue) : runLane(job.run.id);
    return this.write(lane, (batch) => enqueueTask(batch, job));
  }
  withdrawTask(task: TaskId, attempt: number, by?: RunOwnership) {
    const lane = by === undefined ? taskLane(task) : runLane(by.run);
    return this.write(lane, (batch) => withdrawTask(batch, { task, attempt, by }));
  }
  nextQueued(query: Parameters<Store['nextQueued']>[0]) {
    return this.read((sql) => nextQueued(sql, query));
  }
  claimQueued(claim: Parameters<Store['claimQueued']>[0]) {
    return this.write(taskLane(claim.task), (batch) => claimQueued(batch, claim));
  }
  setTaskExecutor(task: TaskId, fence: number, executor: ProcessIdentity) {
    return this.write(taskLane(task), (batch) => setTaskExecutor(batch, task, fence, executor));
  }
  startTask(claim: Parameters<Store['startTask']>[0]) {
    return this.write(taskLane(claim.task), (batch) => startTask(batch, claim));
  }
  leaveTask(task: TaskId, fence: number, options?: Parameters<Store['leaveTask']>[2]) {
    return this.write(taskLane(task), (batch) => leaveTask(batch, task, fence, options));
  }
  releaseTask(task: TaskId, fence: number, reason: string) {
    return this.write(taskLane(task), (batch) => releaseTask(batch, task, fence, reason));
  }
  appendTaskOutput(output: Parameters<Store['appendTaskOutput']>[0]) {
    return this.write(taskLane(output.task), (batch) => appendTaskOutput(batch, output));
  }
  readTaskOutput(task: TaskId, query?: Parameters<Store['readTaskOutput']>[1]) {
    return this.read((sql) => readTaskOutput(sql, task, query));
  }
  finishTask(ending: NewEnding) {
    return this.write(taskLane(ending.task), (batch) => finishAttempt(batch, ending));
  }
  readTaskEnding(task: TaskId) {
    return this.read((sql) => readTaskEnding(sql, task));
  }
  readTaskArtifacts(task: TaskId) {
    return this.read((sql) => readTaskArtifacts(sql, task));
  }
  readAttempts(tasks: readonly TaskId[]) {
    return this.read((sql) => readAttempts(sql, tasks));
  }
  requestTaskStop(task: TaskId, attempt: number, stop: TaskStop, by?: RunOwnership) {
    const lane = by === undefined ? taskLane(task) : runLane(by.run);
    return this.write(lane, (batch) => requestTaskStop(batch, { task, attempt, by }, stop));
  }
  readTaskStops(tasks: readonly TaskId[]) {
    return this.read((sql) => readTaskStops(sql, tasks));
  }
  async recoverTasks() {
    // Asked for often, by many, and mostly for nothing: that costs no transaction.
    const expired = await this.read(expiredAttempts);
    const found = await Promise.all(
      inLockOrder(expired).map(async (one) => ({
        task: one.task,
        recovered: await this.write({ name: 'recovery' }, (batch) => recoverAttempt(batch, one)),
      })),
    );
    const byTask = new Map(found.map(({ task, recovered }) => [task, recovered]));
    return recoveredTasks(expired.flatMap(({ task }) => byTask.get(task) ?? []));
  }

  registerAgent(agent: NewAgent) {
    return this.write(agentLane(agent.id), (batch) => registerAgent(batch, agent));
  }
  heartbeatAgent(agent: string, state: Parameters<Store['heartbeatAgent']>[1]) {
    return this.renew((sql) => heartbeatAgent(sql, agent, state));
  }
  removeAgent(agent: string) {
    return this.write(agentLane(agent), (batch) => removeAgent(batch, agent));
  }
  listAgents(query: Parameters<Store['listAgents']>[0] = {}) {
    return this.read((sql) => listAgents(sql, query));
  }
  listQueues() {
    return this.read(listQueues);
  }
  createQueue(name: string) {
    return this.write(queueLane(name), (batch) => createQueue(batch, name));
  }
  setQueueLimits(queue: string, edit: QueueLimitsEdit) {
    return this.write(queueLane(queue), (batch) => setQueueLimits(batch, queue, edit));
  }
  listQueued(queue: string) {
    return this.read((sql) => listQueued(sql, queue));
  }
  clearQueue(queue: string) {
    return this.write(queueLane(queue), (batch) => clearQueue(batch, queue));
  }
}

function recoveredTasks(all: readonly Recovered[]): Awaited<ReturnType<TaskStore['recoverTasks']>> {
  return {
    requeued: all.flatMap((one) =>
      one.kind === 'requeued' ? [{ task: one.task, attempt: one.attempt, queue: one.queue }] : [],
    ),
    failed: all.flatMap((one) => (one.kind === 'failed' ? [one.task] : [])),
    aborted: all.flatMap((one) => (one.kind === 'aborted' ? [one.task] : [])),
  };
}
