import { digest, RunPipelineError } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { unpackPackage } from '../../package/index.js';
import type { Project } from '../../project/project.js';
import type { ProjectCall, ProjectRelay } from '../../project/relay.js';

/**
 * What a task may ask of the project, where it cannot open it: what `Task`, `PipelineController` and
 * `StorageManager` do inside of a step, and no more. It can look, and make, change, queue and stop tasks
 * of their own; it cannot write to runs, leases, outcomes or the cache, nor remove anything.
 */
const STORE = [
  'getRun',
  'findRuns',
  'readEvents',
  'readArtifacts',
  'describeArtifact',
  'readValue',
  'readValues',
  'readTask',
  'findTasks',
  'readTaskArtifacts',
  'readTaskOutput',
  'readAttempts',
  'listAgents',
  'createTask',
  'editTask',
  'publishTask',
  'abortTask',
  'enqueueTask',
  'requestTaskStop',
  'requestStop',
  'recoverTasks',
] as const satisfies readonly (keyof Store)[];

/** Undefined: tasks open the project themselves. */
export function projectService(project: Project): ProjectRelay | undefined {
  if (!project.relayed) return undefined;
  return {
    call: (call) => answer(project, call),
    watch: (listener) => project.store.watch(listener),
  };
}

type Method = (...args: readonly unknown[]) => Promise<unknown>;

async function answer(project: Project, { of, method, args }: ProjectCall): Promise<unknown> {
  switch (of) {
    case 'store':
      if (!(STORE as readonly string[]).includes(method)) throw refused(of, method);
      return Reflect.apply(project.store[method as (typeof STORE)[number]] as Method, project.store, args);
    case 'blobs':
      // Brought into the directory of this machine, where the task reads it, and taken from there.
      if (method === 'localPath' || method === 'stat' || method === 'adopt')
        return Reflect.apply(project.blobs[method] as Method, project.blobs, args);
      throw refused(of, method);
    case 'packages':
      // Nothing but whole packages: another name's content would take its place.
      if (method === 'write' && !isPackage(args)) throw refused(of, method);
      if (project.packages !== undefined && (method === 'write' || method === 'read' || method === 'age'))
        return Reflect.apply(project.packages[method] as Method, project.packages, args);
      throw refused(of, method);
    default:
      throw refused(of satisfies never, method);
  }
}

const isPackage = ([hash, bytes]: readonly unknown[]): boolean =>
  typeof hash === 'string' &&
  /^sha256:[0-9a-f]{64}$/.test(hash) &&
  bytes instanceof Uint8Array &&
  unpackPackage(digest(hash), bytes) !== undefined;

const refused = (of: string, method: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'not-from-a-task',
    message: `a task cannot do that with the project (${of}.${method}): its supervisor alone can`,
  });
