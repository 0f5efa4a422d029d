import {
  mergeEdits,
  type Digest,
  type Report,
  type StoredArtifact,
  type TaskEdit,
  type TaskId,
} from '@run-pipeline/core/model';
import type { BlobStore, Store, TaskOutput } from '@run-pipeline/core/ports';
import { artifactBlobs, reportBlobs } from './attempt-blobs.js';

/** What comes within one interval goes to the store together; default. */
const INTERVAL_MS = 50;
/** Characters of one row of the log. */
const LONGEST_ROW = 64 * 1024;
/** Characters after which nothing is waited for, and after which the writer has to wait. */
const FLUSH_AT = 256 * 1024;
const FULL_AT = 4 * 1024 * 1024;

/**
 * Tells the store what a running attempt says (console, reports, uploads, changes of its record), in order
 * and some at a time. Whoever lost the attempt is refused there: then everything further is dropped, and
 * `onLost` is called once.
 */
export class AttemptOutput {
  readonly #store: Store;
  readonly #blobs: Pick<BlobStore, 'adopt'>;
  readonly #task: TaskId;
  readonly #fence: number;
  readonly #onLost: () => void;
  readonly #intervalMs: number;
  #entries: TaskOutput[] = [];
  #values: { readonly hash: Digest; readonly bytes: Uint8Array }[] = [];
  #edit: TaskEdit | undefined;
  /** Characters of `#entries`, about. */
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #lost = false;
  #fault: { readonly error: unknown } | undefined;

  constructor(options: {
    readonly store: Store;
    /** What a worker wrote is durable there before anything here names it. */
    readonly blobs: Pick<BlobStore, 'adopt'>;
    readonly task: TaskId;
    readonly fence: number;
    /** Also when the store fails; `end` then rejects. */
    readonly onLost: () => void;
    readonly intervalMs?: number;
  }) {
    this.#store = options.store;
    this.#blobs = options.blobs;
    this.#task = options.task;
    this.#fence = options.fence;
    this.#onLost = options.onLost;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
  }

  /** Another one has the attempt now. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Somebody else was told of the loss first. */
  lose(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#onLost();
  }

  /** A promise asks the writer to wait: more is on its way than should be kept in memory. */
  log(stream: 'stdout' | 'stderr', text: string): void | Promise<void> {
    for (let start = 0; start < text.length; start += LONGEST_ROW) {
      this.#addText(stream, text.length <= LONGEST_ROW ? text : text.slice(start, start + LONGEST_ROW));
    }
    this.#changed(text.length);
    return this.#waiting > FULL_AT ? this.#send() : undefined;
  }

  report(report: Report, inline: Uint8Array | undefined): void {
    if (inline !== undefined && 'artifact' in report)
      this.#values.push({ hash: report.artifact.hash, bytes: inline });
    this.#entries.push({ kind: 'report', report });
    this.#changed(256);
  }

  artifact(artifact: StoredArtifact): void {
    this.#entries.push({ kind: 'artifact', artifact });
    this.#changed(256);
  }

  edit(edit: TaskEdit): void {
    this.#edit = this.#edit === undefined ? edit : mergeEdits(this.#edit, edit);
    this.#changed(0);
  }

  /** Resolves when everything so far is stored, or refused. Rejects when the store failed. */
  async end(): Promise<void> {
    while (this.#hasMore || this.#sending !== undefined) await this.#send();
    if (this.#fault !== undefined) throw this.#fault.error;
  }

  #addText(stream: 'stdout' | 'stderr', text: string): void {
    const last = this.#entries.at(-1);
    if (last?.kind === 'log' && last.stream === stream && last.text.length + text.length <= LONGEST_ROW) {
      this.#entries[this.#entries.length - 1] = { ...last, text: last.text + text };
    } else this.#entries.push({ kind: 'log', stream, text });
  }

  get #hasMore(): boolean {
    return this.#entries.length > 0 || this.#edit !== undefined;
  }

  #changed(size: number): void {
    if (this.#lost || this.#fault !== undefined) {
      this.#entries = [];
      this.#values = [];
      this.#edit = undefined;
      return;
    }
    this.#waiting += size;
    if (this.#waiting > FLUSH_AT) void this.#send();
    else this.#timer ??= setTimeout(() => void this.#send(), this.#intervalMs);
  }

  /** One after the other: what was said first is stored first. */
  #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendOnce().finally(() => {
      this.#sending = undefined;
      if (this.#hasMore) this.#timer ??= setTimeout(() => void this.#send(), this.#intervalMs);
    });
    return this.#sending;
  }

  async #sendOnce(): Promise<void> {
    const [entries, values, edit] = [this.#entries, this.#values, this.#edit];
    this.#entries = [];
    this.#values = [];
    this.#edit = undefined;
    this.#waiting = 0;
    const [task, fence] = [this.#task, this.#fence];
    try {
      const named = entries.flatMap(blobsOf);
      if (named.length > 0) await this.#blobs.adopt(named);
      const [kept, edited] = await Promise.all([
        entries.length === 0 || this.#store.appendTaskOutput({ task, fence, entries, values }),
        edit === undefined ? { ok: true } : this.#store.editTask(task, edit, { fence }),
      ]);
      if (kept && edited.ok) return;
      this.lose();
    } catch (error) {
      this.#fault = { error };
      this.#onLost();
    }
  }
}

function blobsOf(entry: TaskOutput): readonly Digest[] {
  switch (entry.kind) {
    case 'log':
      return [];
    case 'report':
      return reportBlobs([entry.report]);
    case 'artifact':
      return artifactBlobs([entry.artifact]);
    default:
      return entry satisfies never;
  }
}
