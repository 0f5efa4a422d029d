import { existsSync, statSync } from 'node:fs';
import { relative, resolve, sep, isAbsolute } from 'node:path';
import { directory, file, fileMarker } from '@run-pipeline/core/define';
import { RunPipelineError, type Report, type StoredArtifact } from '@run-pipeline/core/model';
import { createTaskLogger, type CurrentTask, type ReportContent } from '../task/index.js';
import type { ReportMessage, TaskRequest } from './protocol.js';
import { RESULT } from './returns.js';
import type { TaskValues } from './task-values.js';

const NAME = /^[A-Za-z_][\w-]*$/;
const RESERVED = new Set(['id', 'artifacts', 'parameters', 'then']);

/**
 * What `currentTask()` gives to a running step, and what it collects from it: uploaded artifacts and
 * reports, in order.
 */
export class TaskContext {
  readonly task: CurrentTask;
  readonly #request: TaskRequest;
  readonly #values: TaskValues;
  readonly #send: (message: ReportMessage) => void;
  readonly #uploads = new Map<string, Promise<StoredArtifact>>();
  /** Everything the step started here and did not have to await. */
  #pending: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: {
    readonly request: TaskRequest;
    readonly values: TaskValues;
    readonly signal: AbortSignal;
    readonly parameters: ReadonlyMap<string, unknown>;
    readonly send: (message: ReportMessage) => void;
  }) {
    const { request, signal } = options;
    this.#request = request;
    this.#values = options.values;
    this.#send = options.send;
    this.task = Object.freeze({
      id: request.task,
      name: request.step,
      run: request.run,
      attempt: request.attempt,
      pipeline: request.pipeline,
      project: request.project,
      signal,
      logger: createTaskLogger({
        send: (report: Report) => this.#inOrder(undefined, () => this.#send({ report })),
        sendStored: (name: string, content: ReportContent, report: (stored: StoredArtifact) => Report) => {
          const value = content.kind === 'value' ? content.value : this.#values.image(content.bytes, content);
          this.#inOrder(this.#values.encode(name, value), (stored) =>
            this.#send({
              report: report(stored),
              ...(stored.inline !== undefined && { inline: stored.inline }),
            }),
          );
        },
      }),
      parameters: Object.freeze(Object.fromEntries(options.parameters)),
      uploadArtifact: (name: string, value: unknown) => this.#upload(name, value),
      assetPath: (name: string) => assetPath(request, name),
    });
  }

  /** Waits for what the step started; rejects with the first of it that failed. */
  async uploaded(): Promise<ReadonlyMap<string, StoredArtifact>> {
    await this.#pending;
    const stored = new Map<string, StoredArtifact>();
    for (const [name, upload] of this.#uploads) stored.set(name, await upload);
    return stored;
  }

  async #upload(name: string, value: unknown): Promise<void> {
    checkUploadName(name, this.#request.returns);
    if (value === undefined) {
      throw new RunPipelineError({
        kind: 'artifact',
        code: 'artifact-undefined',
        message: `uploadArtifact('${name}', undefined): there is no value`,
        help: 'upload null if there is none',
      });
    }
    const upload = this.#values.encode(name, pathAsFile(value));
    this.#uploads.set(name, upload);
    // The task's end reports it, if the step does not await it.
    upload.catch(() => undefined);
    await upload;
  }

  /** Keeps the order of the calls, although some have something to store first. */
  #inOrder<T>(work: Promise<T> | undefined, then: (value: T) => void): void {
    if (work === undefined && this.#waiting === 0) {
      then(undefined as T);
      return;
    }
    this.#waiting += 1;
    const before = this.#pending;
    this.#pending = (async () => {
      try {
        const [value] = await Promise.all([work, before]);
        then(value as T);
      } finally {
        this.#waiting -= 1;
      }
    })();
    this.#pending.catch(() => undefined);
  }
}

function checkUploadName(name: unknown, returns: readonly string[] | undefined): void {
  const problem =
    typeof name !== 'string' || !NAME.test(name)
      ? 'a name is a letter or _, then letters, digits, _ and -'
      : RESERVED.has(name)
        ? 'this name is reserved'
        : returns?.includes(name) === true
          ? 'the step returns an artifact of this name'
          : undefined;
  if (problem === undefined) return;
  throw new RunPipelineError({
    kind: 'artifact',
    code: 'artifact-name',
    message: `uploadArtifact(${JSON.stringify(name)}): ${problem}`,
    help: 'choose another name',
  });
}

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

/** A string that names something on disk stands for it. */
function pathAsFile(value: unknown): unknown {
  if (typeof value !== 'string' || value === '' || value.includes('\0') || fileMarker(value) !== undefined)
    return value;
  const stat = statSync(value, { throwIfNoEntry: false });
  if (stat?.isFile() === true) return file(resolve(value));
  return stat?.isDirectory() === true ? directory(resolve(value)) : value;
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
