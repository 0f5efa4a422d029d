import { existsSync, statSync } from 'node:fs';
import { relative, resolve, sep, isAbsolute } from 'node:path';
import { fileMarker } from '@run-pipeline/core/define';
import { RunPipelineError, type StoredArtifact, type TaskEdit } from '@run-pipeline/core/model';
import { pathAsFile, TaskWork, withLiveTask, type CurrentTask } from '../task/index.js';
import type { ReportMessage, TaskRequest } from './protocol.js';
import { RESULT } from './returns.js';
import type { TaskValues } from './task-values.js';

/** What a running task tells at once, before it has ended. */
export interface TaskMessages {
  readonly send: (message: ReportMessage) => void;
  readonly edit: (edit: TaskEdit) => void;
  readonly artifact: (artifact: StoredArtifact) => void;
}

/**
 * What `currentTask()` and `Task.init` give to a running task, and what it collects from it: uploaded
 * artifacts and reports, in order.
 */
export class TaskContext {
  readonly task: CurrentTask;
  readonly work: TaskWork;
  readonly #request: TaskRequest;
  readonly #startedAt = Date.now();
  #uncacheable: string | undefined;

  constructor(options: {
    readonly request: TaskRequest;
    readonly values: TaskValues;
    readonly signal: AbortSignal;
    readonly parameters: ReadonlyMap<string, unknown>;
    readonly messages: TaskMessages;
  }) {
    const { request, signal, values, messages } = options;
    const { script } = request;
    this.#request = request;
    const work = new TaskWork({
      returns: request.returns,
      encode: values.encode,
      image: values.image,
      onReport: (report, inline) => messages.send({ report, ...(inline !== undefined && { inline }) }),
      onArtifact: messages.artifact,
    });
    this.work = work;
    this.task = withLiveTask(
      {
        id: request.task,
        name: request.step,
        run: request.run,
        attempt: request.attempt,
        pipeline: request.pipeline,
        project: request.project,
        signal,
        logger: work.logger,
        parameters: Object.freeze(Object.fromEntries(options.parameters)),
        uploadArtifact: async (name: string, value: unknown) => void (await this.#upload(name, value)),
        assetPath: (name: string) => assetPath(request, name),
      },
      {
        place: 'worker',
        name: script?.name ?? request.step,
        project: script?.project ?? request.project,
        type: script?.type ?? 'custom',
        tags: script?.tags ?? [],
        parameters: script?.parameters ?? {},
        configurations: script?.configurations ?? {},
        state: request.state,
        edit: messages.edit,
        upload: (name, value) => this.#upload(name, value),
        uploaded: () => work.stored(),
        decode: (artifact) => values.decode(inputOf(artifact)),
        markUncacheable: (reason) => void (this.#uncacheable ??= reason),
      },
    );
  }

  /** Why the result must not enter the cache, if so. */
  get uncacheable(): string | undefined {
    return this.#uncacheable;
  }

  #upload(name: string, value: unknown): Promise<StoredArtifact> {
    const path = this.#foreignFile(value);
    if (path !== undefined) this.#uncacheable ??= `uploadArtifact reads ${path}, which may change`;
    return this.work.upload(name, value);
  }

  /**
   * A file that the task did not make is an input that nobody declared: it may be another one the next
   * time. What lies in the project's state (assets, local copies of artifacts) stays what it is.
   */
  #foreignFile(value: unknown): string | undefined {
    const marker = fileMarker(pathAsFile(value));
    if (marker === undefined) return undefined;
    const path = resolve(marker.path);
    const home = this.#request.state?.home;
    if (home !== undefined && isInside(relative(home, path))) return undefined;
    const changedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (changedAt >= this.#startedAt - CLOCK_MS) return undefined;
    return typeof value === 'string' ? value : marker.path;
  }

  /** Waits for what the task started; rejects with the first of it that failed. */
  uploaded(): Promise<ReadonlyMap<string, StoredArtifact>> {
    return this.work.settled();
  }
}

/** The times of files come from a clock that is read less often. */
const CLOCK_MS = 100;

const inputOf = ({ record, inline }: StoredArtifact): Parameters<TaskValues['decode']>[0] => ({
  kind: 'encoded',
  codec: record.type,
  codecVersion: record.codecVersion,
  hash: record.hash,
  ...(inline !== undefined && { inline }),
  ...(record.meta !== undefined && { meta: record.meta }),
});

/** The artifacts of a completed step: its returns, then what it uploaded. */
export function joinArtifacts(
  returned: readonly StoredArtifact[],
  uploaded: ReadonlyMap<string, StoredArtifact>,
): readonly StoredArtifact[] {
  // Without declared returns the step's value takes this name only when there is one.
  if (uploaded.has(RESULT) && returned.some(({ record }) => record.name === RESULT)) {
    throw new RunPipelineError({
      kind: 'artifact',
      code: 'artifact-name',
      message: `the step uploaded an artifact \`${RESULT}\` and also returned a value, which takes that name`,
      help: `upload it under another name, or name the return: returns: ['…']`,
    });
  }
  return [...returned, ...uploaded.values()];
}

function assetPath(request: TaskRequest, name: string): string {
  const { assetsDirectory, assetsFrom = '.' } = request;
  const path = assetsDirectory === undefined ? undefined : resolve(assetsDirectory, assetsFrom, name);
  const inside = path !== undefined && isInside(relative(assetsDirectory!, path));
  if (!inside || !existsSync(path)) {
    throw new RunPipelineError({
      kind: 'run',
      code: 'unknown-asset',
      message: `step ${request.step} has no asset ${JSON.stringify(name)}`,
      help: `declare it: assets: [${JSON.stringify(name)}]`,
    });
  }
  return path;
}

const isInside = (path: string): boolean =>
  path !== '' && path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
