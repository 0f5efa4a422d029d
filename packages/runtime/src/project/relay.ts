/**
 * How code inside of a task reaches the project where the task has nothing to open it with: it asks its
 * supervisor, which answers a short list of questions (`engine/attempt/project-service.ts`).
 */
export interface ProjectCall {
  readonly of: 'store' | 'blobs' | 'packages';
  readonly method: string;
  readonly args: readonly unknown[];
}

export interface ProjectRelay {
  /** Values are plain data. @throws RunPipelineError as the supervisor did. */
  call(call: ProjectCall): Promise<unknown>;
  /** Told of changes in the store; returns how to stop. */
  watch(listener: () => void): () => void;
}

// On globalThis: a bundle may bring a second copy of this package.
const RELAY = Symbol.for('run-pipeline.project-relay');
type Holder = { [RELAY]?: ProjectRelay | undefined };

export const projectRelay = (): ProjectRelay | undefined => (globalThis as Holder)[RELAY];

/** Returns how it was before. */
export function setProjectRelay(relay: ProjectRelay | undefined): ProjectRelay | undefined {
  const before = projectRelay();
  (globalThis as Holder)[RELAY] = relay;
  return before;
}
