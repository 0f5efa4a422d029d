import { PRIORITY_BOUND } from '@run-pipeline/core/model';
import type {
  ErrorRecord,
  Fingerprint,
  PipelineDefinition,
  RunId,
  StepDefinition,
  StepName,
  StepStatus,
  StoredArtifact,
  TaskId,
  TaskParameters,
  TaskPackage,
} from '@run-pipeline/core/model';
import type { ArgumentShape } from '@run-pipeline/core/graph';
import type { PreimageRow, ProcessIdentity, RunRow } from '@run-pipeline/core/ports';
import type { Project } from '../project/project.js';
import type { WorkerPool } from '../workers/protocol.js';
import type { EngineOptions } from './api.js';
import type { AttemptFollower } from './attempt/followed-attempts.js';
import type { Router } from './attempt/route.js';
import { deferred, type Deferred } from './deferred.js';
import type { Parameters } from './launch/parameters.js';
import type { RunFiles } from './launch/run-files.js';
import type { RunLog } from './run/run-log.js';
import type { Slot } from './run/slots.js';
import type { Templates } from './launch/templates.js';

/** Everything the pages of one run share. Made once, at the start of a run (or of its resumption). */
export interface RunContext {
  readonly project: Project;
  readonly definition: PipelineDefinition;
  readonly row: RunRow;
  readonly owner: ProcessIdentity;
  readonly options: EngineOptions;
  readonly parameters: Parameters;
  readonly log: RunLog;
  readonly pool: () => Promise<WorkerPool>;
  readonly slot: Slot;
  readonly router: Router;
  /** Hands steps to queues, some at a time: all that are ready go, and their inputs are encoded for it. */
  readonly handOver: <T>(task: () => Promise<T>) => Promise<T>;
  /** Of steps that went to queues. */
  readonly attempts: AttemptFollower;
  readonly packageOf: (definition: StepDefinition) => Promise<TaskPackage>;
  readonly templates: Templates;
  readonly secretKey: Uint8Array;
  /** As it was when the run started: an inline step may change the process's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the steps' fingerprints were made of before this run: for `why`. Loaded when first asked for. */
  readonly previousPreimages: () => Promise<ReadonlyMap<string, PreimageRow>>;
  /** Aborted when the run is to stop; `signal.reason` is a `Stop`. */
  readonly stop: RunStop;
  readonly nodes: Map<string, NodeState>;
  /** What the run was launched with. */
  readonly files: RunFiles;
  /** Set on resume: what the run had recorded. */
  readonly recorded: RecordedSteps | undefined;
  readonly leaseMs: number;
  /** Of this process's part of the run, on the clock of `performance.now()`. */
  readonly started: number;
  /** Fences of attempts under way, to renew their leases. */
  readonly claims: Map<TaskId, number>;
  /** Starts a node whose parents are known. Set by the scheduler. */
  schedule: (node: NodeState) => void;
  /** What people are to be told that is no event and no failure. */
  readonly onWarning: (message: string) => void;
  /** A failure of the run itself (a callback threw, a reference did not resolve): the run fails with it. */
  readonly failures: ErrorRecord[];
}

/** Why a run stops before its end. */
export interface Stop {
  /** `lost`: another process has the run; this one ends what it executes, and touches nothing else. */
  readonly reason: 'stopped' | 'timeout' | 'failure' | 'error' | 'lost';
  readonly message: string;
}

export interface RunStop {
  readonly signal: AbortSignal;
  readonly current: () => Stop | undefined;
  readonly request: (stop: Stop) => void;
}

/** One node while its run lasts. */
export interface NodeState {
  /** Unique in this process and stable: what references of this process name. */
  readonly key: string;
  /** The public name; the same as `key`, except for calls matched to recorded ones on resume. */
  name: StepName;
  /** What names of its calls begin with: the label or the name of the step. */
  readonly base: string;
  /** The name it has when a body makes its calls in the same order as the first time. */
  readonly usual: string;
  readonly definition: StepDefinition;
  readonly inputs: ArgumentShape;
  readonly parents: readonly NodeState[];
  readonly mapped: boolean;
  /** The mapped node this is an element of. */
  readonly of: NodeState | undefined;
  /** Follows the name: a resumed run must find the task that an earlier process began. */
  task: TaskId;
  status: StepStatus;
  attempt: number;
  /** Where it waits for an agent, or waited last; undefined where the run executes it itself. */
  queue: string | undefined;
  fingerprint: Fingerprint | undefined;
  /** Once ended well. */
  artifacts: ReadonlyMap<string, StoredArtifact>;
  /** The id of the task that produced the result: of another run for a cached step. */
  producer: TaskId;
  /** Of a step from a task: what its clone has (or would have) before it connects its own. */
  given: TaskParameters | undefined;
  /** Of a mapped node, in order. */
  elements: readonly NodeState[] | undefined;
  error: ErrorRecord | undefined;
  /** Its failure was thrown into the body of a pipeline function, which may handle it. */
  thrown: boolean;
  /** The failed node because of which this one was skipped. */
  blockedBy: NodeState | undefined;
  /** Executes as the only one with its fingerprint; released with its outcome. */
  holdsClaim: boolean;
  /** Was in `run.start` or a committed `step.add`. */
  announced: boolean;
  /** Nodes that wait for this one. */
  readonly dependents: NodeState[];
  /** Parents that have not ended. */
  waiting: number;
  readonly ended: Deferred<void>;
}

export const hasEnded = ({ status }: NodeState): boolean =>
  status !== 'created' && status !== 'queued' && status !== 'running';

/** What a run that is resumed has already committed. */
export interface RecordedSteps {
  readonly byName: ReadonlyMap<string, RecordedStep>;
  readonly byFingerprint: ReadonlyMap<string, readonly RecordedStep[]>;
  /** Names that no new node may get. */
  readonly taken: Set<string>;
}
export interface RecordedStep {
  readonly name: StepName;
  readonly status: StepStatus;
  readonly attempts: number;
  /** Of one that has not ended but waits for, or was executed by an agent: what that attempt was made for. */
  readonly fingerprint: Fingerprint | undefined;
  readonly cachedFrom: RunId | undefined;
  /** The one that made its artifacts, where it is not its own. */
  readonly task: TaskId | undefined;
  /** The newest attempt whose end is told; 0: none. */
  readonly settled: number;
  /** It was handed to a queue, and may still be there, or nobody took what became of it. */
  readonly open: boolean;
  /** The usual name of the call that took it over. */
  claimedBy: string | undefined;
}

/** Gives a call the name that the run knows it by. */
export function rename(run: RunId, node: NodeState, name: StepName): void {
  // A base task that is executed itself is the node's task under any name.
  if (node.name === name) return;
  node.name = name;
  node.task = taskId(run, name);
  node.producer = node.task;
}

/** Of its job in a queue, and among those that wait for a slot of this process. */
export const priorityOf = ({ options }: RunContext, { definition }: NodeState): number =>
  Math.max(-PRIORITY_BOUND, Math.min(PRIORITY_BOUND, options.priority + definition.options.priority));

/** For events: the task where it is not the one that the step's name tells. */
export const otherTask = (run: RunId, node: NodeState, task: TaskId): { readonly task?: TaskId } =>
  task === taskId(run, node.name) ? {} : { task };

const taskId = (run: RunId, name: string): TaskId => `${run}.${name}` as TaskId;

export function newNode(options: {
  readonly run: RunId;
  readonly key: string;
  /** Default: the key. */
  readonly base?: string;
  readonly usual?: string;
  readonly definition: StepDefinition;
  readonly inputs: ArgumentShape;
  readonly parents: readonly NodeState[];
  readonly mapped: boolean;
  readonly of?: NodeState;
  readonly announced: boolean;
}): NodeState {
  const task = taskId(options.run, options.key);
  return {
    key: options.key,
    name: options.key as StepName,
    base: options.base ?? options.key,
    usual: options.usual ?? options.key,
    definition: options.definition,
    inputs: options.inputs,
    parents: options.parents,
    mapped: options.mapped,
    of: options.of,
    task,
    status: 'created',
    attempt: 0,
    queue: undefined,
    fingerprint: undefined,
    artifacts: new Map(),
    producer: task,
    given: undefined,
    elements: undefined,
    error: undefined,
    thrown: false,
    blockedBy: undefined,
    holdsClaim: false,
    announced: options.announced,
    dependents: [],
    waiting: 0,
    ended: deferred<void>(),
  };
}
