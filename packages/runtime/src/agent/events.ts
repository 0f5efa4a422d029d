import type { ErrorRecord, Resources, RunId, StepName, TaskId } from '@run-pipeline/core/model';
import type { JobKind } from '@run-pipeline/core/ports';

/** What an agent tells while it works, after it is true: what has ended is stored. A closed union. */
export type AgentEvent =
  | {
      readonly type: 'agent.start';
      readonly agent: string;
      readonly queues: readonly string[];
      readonly order: 'given' | 'fair';
      readonly concurrency: number;
      readonly resources: Resources;
      /** Absolute path of the state it serves. */
      readonly home: string;
    }
  | ({ readonly type: 'task.start' } & AttemptName)
  /** Something took a while before it could start: `installing 3 npm packages`. */
  | ({ readonly type: 'task.prepare'; readonly message: string } & AttemptName)
  | ({
      readonly type: 'task.end';
      readonly status: 'completed' | 'failed' | 'aborted';
      readonly durationMs: number;
      readonly error?: ErrorRecord;
    } & AttemptName)
  /** It waits in its queue again, for any agent. */
  | ({ readonly type: 'task.release'; readonly reason: string } & AttemptName)
  /** Its lease ran out: it is somebody else's, and what this agent had of it was dropped. */
  | ({ readonly type: 'task.lost'; readonly reason: string } & AttemptName)
  /** Of an agent that was not heard of: it is back in its queue. */
  | { readonly type: 'task.recover'; readonly task: TaskId; readonly attempt: number; readonly queue: string }
  /** Of agents that were not heard of, too often: it has ended. */
  | { readonly type: 'task.give-up'; readonly task: TaskId; readonly status: 'failed' | 'aborted' }
  /** The store does not answer; everything goes on and is tried again. */
  | { readonly type: 'store.trouble'; readonly message: string }
  | { readonly type: 'store.back' }
  | { readonly type: 'agent.drain'; readonly running: number }
  /** What still ran when there was no time left is being handed back. */
  | { readonly type: 'agent.hand-back'; readonly running: number }
  | { readonly type: 'agent.end'; readonly executed: number };

/** Which attempt it is about. */
export interface AttemptName {
  readonly task: TaskId;
  readonly attempt: number;
  readonly kind: JobKind;
  readonly queue: string;
  /** For people: `iris.step_one`, `examples/prepare`; absent when nobody can tell. */
  readonly title?: string;
  readonly run?: RunId;
  readonly step?: StepName;
}

export type TellAgentEvent = (event: AgentEvent) => void;
