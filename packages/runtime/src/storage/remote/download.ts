import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { digest, isRunPipelineError, RunPipelineError, type Digest } from '@run-pipeline/core/model';
import { diskFullError } from '../../artifacts/store-failure.js';
import type { Progress } from './progress.js';
import { ContentChanged, isPassing, TransientFailure, type Remote, type Validators } from './remote.js';
import { retrying, type RetryPolicy } from './retry.js';
import type { StallGuard } from './stall-guard.js';

export type Downloaded =
  /** What `known` describes is still what is there; nothing was written. */
  | { readonly kind: 'same' }
  | {
      readonly kind: 'content';
      readonly hash: Digest;
      readonly size: number;
      readonly validators: Validators;
      readonly fileName: string;
    };

export interface DownloadOptions {
  readonly remote: Remote;
  /** What is here already. */
  readonly known: Validators | undefined;
  /** A new file. */
  readonly target: string;
  readonly stall: StallGuard;
  readonly retry: RetryPolicy;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Brings remote content into a file. A connection that breaks is continued where it broke, if the server
 * vouches that the content is still the same; else it begins anew. What is there at the end is as long as
 * was announced, and on the disk.
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const { remote, target, signal } = options;
  const file = await open(target, 'wx', 0o444);
  try {
    const part = new PartialFile(file);
    const downloaded = await retrying(
      options.retry,
      signal,
      async () => attempt(options, part),
      () => part.size,
    );
    if (downloaded.kind === 'content') await file.sync();
    return downloaded;
  } catch (error) {
    signal.throwIfAborted();
    throw diskFullError(error, `downloading ${remote.shown}`, target) ?? failure(remote, error);
  } finally {
    await file.close();
  }
}

async function attempt(options: DownloadOptions, part: PartialFile): Promise<Downloaded> {
  const { remote, stall, progress } = options;
  // One for the asking: a stalled attempt ends, the next one has its own time.
  stall.begin();
  const signal = AbortSignal.any([options.signal, stall.signal]);
  try {
    if (part.continues === undefined) await part.restart();
    const answer = await remote.ask({
      from: part.size,
      continues: part.continues,
      known: part.size === 0 ? options.known : undefined,
      signal,
    });
    if (answer.kind === 'same') return answer;
    if (answer.from > 0 && answer.continues !== part.continues) throw new ContentChanged();
    if (answer.from !== part.size) await part.restart();
    part.continues = answer.continues;
    progress.begin(part.size, answer.decoder === undefined ? answer.total : undefined);
    let travelled = answer.from;
    const count = stall.watch((bytes) => {
      travelled += bytes;
      progress.moved(travelled);
    });
    const take = async (source: AsyncIterable<Buffer>): Promise<void> => part.take(source);
    if (answer.decoder === undefined) await pipeline(answer.body, count, take, { signal });
    else await pipeline(answer.body, count, answer.decoder, take, { signal });
    if (answer.total !== undefined && travelled !== answer.total) {
      throw new TransientFailure(`the connection ended after ${travelled} of ${answer.total} bytes`);
    }
    const { validators, fileName = remote.fileName } = answer;
    return { kind: 'content', hash: part.digest(), size: part.size, validators, fileName };
  } catch (error) {
    options.signal.throwIfAborted();
    // What a stream says when it is cut off does not tell why it was.
    if (stall.signal.aborted) throw stall.signal.reason;
    if (error instanceof ContentChanged) part.continues = undefined;
    throw error;
  } finally {
    stall.end();
  }
}

/** What has come so far, with its hash. */
class PartialFile {
  readonly #file: FileHandle;
  #hash: Hash = createHash('sha256');
  size = 0;
  /** The etag of the content it is a part of. */
  continues: string | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async restart(): Promise<void> {
    if (this.size > 0) await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.size = 0;
    this.continues = undefined;
  }

  /** The last stage of a pipeline. */
  async take(source: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of source) await this.#write(chunk);
  }

  async #write(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const { bytesWritten } = await this.#file.write(chunk, at, chunk.length - at, this.size + at);
      at += bytesWritten;
    }
    this.#hash.update(chunk);
    this.size += chunk.length;
  }

  digest(): Digest {
    return digest(`sha256:${this.#hash.copy().digest('hex')}`);
  }
}

function failure(remote: Remote, error: unknown): unknown {
  if (isRunPipelineError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new RunPipelineError({
    kind: 'artifact',
    code: 'storage-failed',
    message: `cannot read ${remote.shown}: ${reason}`,
    help: isPassing(error) ? 'it was tried several times; check the network and the server' : undefined,
    cause: error,
  });
}
