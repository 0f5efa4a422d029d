import type { Report, StoredArtifact } from '@run-pipeline/core/model';
import { createTaskLogger, type ReportContent, type TaskLogger } from './logger.js';
import { checkUpload, pathAsFile } from './upload.js';

export interface TaskWorkOptions {
  /** Names that uploads must not take. */
  readonly returns: readonly string[] | undefined;
  /** The bytes are durable (or inline in the result) when it resolves. */
  readonly encode: (name: string, value: unknown) => Promise<StoredArtifact>;
  /** Image bytes as a value that is kept as an image. */
  readonly image: (bytes: Uint8Array, options: { readonly mime: string }) => unknown;
  /** A report, and the bytes of the artifact it refers to when they are not in the blob store. */
  readonly onReport: (report: Report, inline: Uint8Array | undefined) => void;
  readonly onArtifact: (artifact: StoredArtifact) => void;
}

/** What a task does beside its returns: uploads and reports. What it did not await is waited for at its end. */
export class TaskWork {
  readonly logger: TaskLogger;
  readonly #options: TaskWorkOptions;
  readonly #uploads = new Map<string, Promise<StoredArtifact>>();
  readonly #stored = new Map<string, StoredArtifact>();
  /** Everything that has been started and nobody had to await, in order. */
  #pending: Promise<void> = Promise.resolve();
  #waiting = 0;
  #uploading = 0;

  constructor(options: TaskWorkOptions) {
    this.#options = options;
    this.logger = createTaskLogger({
      send: (report: Report) => this.#inOrder(undefined, () => options.onReport(report, undefined)),
      sendStored: (name: string, content: ReportContent, report: (stored: StoredArtifact) => Report) => {
        const value = content.kind === 'value' ? content.value : options.image(content.bytes, content);
        this.#inOrder(options.encode(name, value), (stored) =>
          options.onReport(report(stored), stored.inline),
        );
      },
    });
  }

  /** Uploads and reports that are still on their way. */
  get unfinished(): number {
    return this.#waiting + this.#uploading;
  }

  /** What has been uploaded, the latest of each name. */
  stored(): ReadonlyMap<string, StoredArtifact> {
    return this.#stored;
  }

  /** Waits for what was started; rejects with the first of it that failed. */
  async settled(): Promise<ReadonlyMap<string, StoredArtifact>> {
    await this.#pending;
    const stored = new Map<string, StoredArtifact>();
    for (const [name, upload] of this.#uploads) stored.set(name, await upload);
    return stored;
  }

  async upload(name: string, value: unknown): Promise<StoredArtifact> {
    checkUpload(name, value, this.#options.returns);
    const upload = this.#encode(name, value);
    this.#uploads.set(name, upload);
    // The task's end reports it, if nobody awaits it.
    upload.catch(() => undefined);
    const stored = await upload;
    // The same name may have been uploaded again meanwhile: the later call counts.
    if (this.#uploads.get(name) === upload) {
      this.#stored.set(name, stored);
      this.#options.onArtifact(stored);
    }
    return stored;
  }

  async #encode(name: string, value: unknown): Promise<StoredArtifact> {
    this.#uploading += 1;
    try {
      return await this.#options.encode(name, pathAsFile(value));
    } finally {
      this.#uploading -= 1;
    }
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
