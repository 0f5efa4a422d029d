import { join } from 'node:path';
import type { TaskPackage } from '@run-pipeline/core/model';
import { installationMark, readLock } from '../package/index.js';
import type { TaskRequest } from '../workers/protocol.js';
import type { AgentContext } from './agent-context.js';

/** A job as a worker can execute it here. */
export interface Executable {
  readonly request: TaskRequest;
  readonly isolation: 'process' | 'fresh';
  readonly closureKey: string;
  readonly ownWorker: boolean;
  /** Once it was executed: why its result must not be kept for others, if so. */
  readonly uncacheable: () => string | undefined;
}

export interface Preparation {
  readonly signal: AbortSignal;
  /** A line for people about what takes its time. */
  readonly onProgress: (line: string) => void;
}

interface Provided {
  /** Where its npm packages are; undefined: in the project, as its own files find them. */
  readonly modules: string | undefined;
  /** With other packages than at its start nobody can say what a result was made with (INVARIANTS 4). */
  readonly changed: () => string | undefined;
}

/** The npm packages of a task package on this machine (INVARIANTS 19). */
export async function providePackages(
  agent: Pick<AgentContext, 'project' | 'environment' | 'provideEnvironment'>,
  taskPackage: TaskPackage,
  { signal, onProgress }: Preparation,
): Promise<Provided> {
  const { project } = agent;
  const { manifest, hash } = taskPackage;
  if (!manifest.externals.some(({ kind }) => kind === 'npm'))
    return { modules: undefined, changed: () => undefined };
  const { root, origin } = await agent.provideEnvironment({
    cache: join(project.home, 'cache', 'environments'),
    lock: readLock(project, hash),
    manifest,
    project: project.root,
    env: agent.environment,
    signal,
    onProgress,
  });
  if (origin === 'cache') return { modules: root, changed: () => undefined };
  const installed = installationMark(project, manifest);
  return {
    modules: undefined,
    changed: () =>
      installationMark(project, manifest) === installed ? undefined : 'its npm packages changed while it ran',
  };
}
