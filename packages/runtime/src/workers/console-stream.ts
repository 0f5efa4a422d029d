import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';
import type { Masker } from './mask.js';

/** Takes text; a promise asks to wait before more is read, so that memory stays bounded. */
export type LogSink = (text: string) => void | Promise<void>;

/**
 * One pipe of a worker (stdout or stderr), cut into tasks. After a task the worker writes that task's
 * mark to the pipe: everything before it belongs to the task, whoever wrote it (native code,
 * grandchildren). The mark holds a random token, so that no output can be taken for it.
 */
export class ConsoleStream {
  readonly #source: Readable;
  #task: TaskOutput | undefined;
  #ended = false;

  constructor(source: Readable) {
    this.#source = source;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.once('close', () => this.#close());
    source.once('end', () => this.#close());
    source.on('error', () => this.#close());
  }

  /** From now on output belongs to this task, until its mark comes or the pipe ends. */
  begin(task: { readonly mark: string; readonly masker: Masker; readonly sink: LogSink }): TaskOutput {
    const output = new TaskOutput(task);
    if (this.#ended) output.finish();
    else this.#task = output;
    return output;
  }

  /** Gives up waiting for the mark: what has arrived is all there is. */
  stop(): void {
    this.#task?.finish();
    this.#task = undefined;
  }

  /** Whether a sink keeps the pipe from being read. */
  get paused(): boolean {
    return this.#source.isPaused();
  }

  get ended(): boolean {
    return this.#ended;
  }

  #take(chunk: Buffer): void {
    const task = this.#task;
    // Between tasks nothing has a right to write: background work of a finished task.
    if (task === undefined) return;
    const wait = task.take(chunk);
    if (task.done) this.#task = undefined;
    if (wait === undefined) return;
    this.#source.pause();
    void wait.finally(() => this.#source.resume());
  }

  #close(): void {
    this.#ended = true;
    this.stop();
  }
}

/** Enough for the last lines of a crash report. */
const REMEMBERED = 8 * 1024;

export class TaskOutput {
  /** All that will come has come, and was taken by the sink. */
  readonly finished: Promise<void>;
  done = false;
  /** The worker wrote its end mark. */
  marked = false;
  /** What the sink threw, first of all: the caller's bug, told when the task has ended. */
  fault: unknown;
  readonly #mark: Buffer;
  readonly #sink: LogSink;
  readonly #stream;
  readonly #decoder = new StringDecoder('utf8');
  /** Bytes that may be the beginning of the mark. */
  #held: Buffer = Buffer.alloc(0);
  #recent = '';
  #resolve!: () => void;

  constructor(task: { readonly mark: string; readonly masker: Masker; readonly sink: LogSink }) {
    this.#mark = Buffer.from(task.mark, 'latin1');
    this.#sink = task.sink;
    this.#stream = task.masker.stream();
    this.finished = new Promise((resolve) => (this.#resolve = resolve));
  }

  take(chunk: Buffer): Promise<void> | undefined {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = bytes.indexOf(this.#mark);
    if (end !== -1) {
      this.#held = bytes.subarray(0, end);
      this.marked = true;
      this.finish();
      return undefined;
    }
    const hold = markStart(bytes, this.#mark);
    this.#held = bytes.subarray(hold);
    return this.#emit(this.#stream.push(this.#decoder.write(bytes.subarray(0, hold))));
  }

  finish(): void {
    if (this.done) return;
    this.done = true;
    const rest = this.#decoder.write(this.#held) + this.#decoder.end();
    const wait = this.#emit(this.#stream.push(rest) + this.#stream.end());
    if (wait === undefined) this.#resolve();
    else void wait.finally(this.#resolve);
  }

  /** The end of what was written, for messages. */
  lastLines(count: number): string {
    return this.#recent.trimEnd().split('\n').slice(-count).join('\n');
  }

  #emit(text: string): Promise<void> | undefined {
    if (text === '') return undefined;
    this.#recent = (this.#recent + text).slice(-REMEMBERED);
    // Whatever the sink does, the pipe must go on being read.
    try {
      const wait = this.#sink(text);
      return wait instanceof Promise
        ? wait.catch((error: unknown) => void (this.fault ??= error))
        : undefined;
    } catch (error) {
      this.fault ??= error;
      return undefined;
    }
  }
}

/** Where the mark may begin at the end of these bytes. */
function markStart(bytes: Buffer, mark: Buffer): number {
  const from = Math.max(0, bytes.length - mark.length + 1);
  for (let at = bytes.indexOf(mark[0] ?? 0, from); at !== -1; at = bytes.indexOf(mark[0] ?? 0, at + 1)) {
    if (mark.subarray(0, bytes.length - at).equals(bytes.subarray(at))) return at;
  }
  return bytes.length;
}
