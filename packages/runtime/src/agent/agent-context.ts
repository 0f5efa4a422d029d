import type { ProcessIdentity } from '@run-pipeline/core/ports';
import type { ProvideEnvironment } from '../environments/environment.js';
import type { Project } from '../project/project.js';
import type { WorkerPool } from '../workers/protocol.js';
import type { TellAgentEvent } from './events.js';

/** What the parts of one agent share. */
export interface AgentContext {
  readonly id: string;
  readonly identity: ProcessIdentity;
  /** Its store is patient: what an attempt has to say is not lost to a full disk. */
  readonly project: Project;
  readonly pool: WorkerPool;
  /** The agent's own, taken once: what tasks get. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the store: what the values of declared variables are compared by. */
  readonly secretKey: Uint8Array;
  readonly provideEnvironment: ProvideEnvironment;
  readonly leaseMs: number;
  /** From telling a task to stop to SIGKILL. */
  readonly graceMs: number;
  /** Workers of attempts that were lost: whoever got one of these may end them, whatever they are at by then. */
  readonly lostWorkers: Set<string>;
  readonly tell: TellAgentEvent;
}
