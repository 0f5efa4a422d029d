import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ArtifactPage, ArtifactPageQuery } from '@run-pipeline/core/wire';
import { badRequest } from '../refusal.js';
import type { ServerContext } from '../server-context.js';
import { findContent } from './artifact-content.js';
import type { PageAnswer, PageRequest } from './page-request.js';

/** What is larger is not decoded. */
const LARGEST_VALUE = 512 * 1024 * 1024;
/** A thread that takes longer is ended: it may never come back. */
const PATIENCE_MS = 30_000;
const MEMORY_MB = 2_048;
const DEFAULT_LIMIT = 100;

interface Waiting {
  readonly resolve: (page: ArtifactPage) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Looks into artifacts by a thread of its own, which may run out of memory or of time without harm. */
export class ArtifactPages {
  readonly #file: string;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #next = 0;

  constructor(file = fileURLToPath(new URL('./artifact-thread.js', import.meta.url))) {
    this.#file = file;
  }

  async page(context: ServerContext, hash: string, query: ArtifactPageQuery): Promise<ArtifactPage> {
    const content = await findContent(context, hash);
    if (content.size > LARGEST_VALUE && query.type !== 'directory' && query.type !== 'image')
      return { kind: 'bytes', reason: 'it is too large to look into' };
    return this.#ask({
      id: this.#next++,
      hash,
      type: query.type,
      codecVersion: query.codecVersion,
      fileName: query.fileName,
      mime: query.mime,
      asText: query.as === 'text',
      content: 'path' in content ? { path: content.path } : { bytes: content.bytes },
      size: content.size,
      query: {
        asTree: query.as === 'tree',
        offset: query.offset ?? 0,
        limit: query.limit ?? DEFAULT_LIMIT,
        sort: query.sort,
        descending: query.descending === '1',
        path: readPath(query.path),
      },
    });
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #ask(request: PageRequest): Promise<ArtifactPage> {
    const thread = (this.#thread ??= this.#start());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        void thread.terminate(); // its end tells all who wait
      }, PATIENCE_MS);
      this.#waiting.set(request.id, { resolve, reject, timer });
      thread.postMessage(request);
    });
  }

  #start(): Worker {
    const thread = new Worker(this.#file, {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
      // Nothing of it is for the terminal.
      stdout: true,
      stderr: true,
    });
    thread.unref();
    thread.on('message', (answer: PageAnswer) => {
      const waiting = this.#take(answer.id);
      if ('page' in answer) waiting?.resolve(answer.page);
      else waiting?.resolve({ kind: 'bytes', reason: answer.error });
    });
    let failure: Error | undefined;
    thread.on('error', (error: Error) => {
      failure = error;
    });
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = undefined;
      const code = (failure as NodeJS.ErrnoException | undefined)?.code;
      for (const id of this.#waiting.keys()) {
        const waiting = this.#take(id);
        if (failure === undefined || code === 'ERR_WORKER_OUT_OF_MEMORY')
          waiting?.resolve({ kind: 'bytes', reason: 'it is too large to look into' });
        else waiting?.reject(failure);
      }
    });
    return thread;
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}

const DEEPEST = 64;

function readPath(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  let path: unknown;
  try {
    path = JSON.parse(text);
  } catch {
    throw badRequest('"path" is no JSON');
  }
  if (!Array.isArray(path) || path.length > DEEPEST || !path.every((key) => typeof key === 'string'))
    throw badRequest(`"path" must be a list of at most ${DEEPEST} texts`);
  return path;
}
