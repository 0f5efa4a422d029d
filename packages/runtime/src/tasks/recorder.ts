import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import type { Digest, ErrorRecord, Report, StoredArtifact, TaskEdit } from '@run-pipeline/core/model';
import type { QueuePlace } from '@run-pipeline/core/ports';
import { fromPortable } from './portable-error.js';
import {
  SHARED,
  SHARED_BYTES,
  type Content,
  type FromRecorder,
  type NewScriptTask,
  type RecorderData,
  type ReportWithArtifact,
  type StartedScriptTask,
  type ToRecorder,
} from './recorder-protocol.js';

/** Bytes that the thread may be behind before the script waits for it. */
const FULL = 8 * 1024 * 1024;
/** How long a process waits for a disk that does not answer. */
const PATIENCE_MS = 60_000;
const MESSAGE_SIZE = 256;

export interface RecorderEvents {
  readonly onStop: (message: string) => void;
  /** Something that the user has to know; it does not end the script. */
  readonly onWarning: (message: string) => void;
}

/**
 * The script's end of the thread that records its task. Nothing here waits for the event loop: what is
 * posted is with the thread, and `endNow` waits for it in place, since it is called where a process exits.
 */
export class Recorder {
  readonly started: StartedScriptTask;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #shared: Int32Array;
  readonly #events: RecorderEvents;
  readonly #calls = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  readonly #answers = new Map<number, FromRecorder>();
  #nextCall = 0;
  #posted = 0;

  private constructor(options: {
    readonly started: StartedScriptTask;
    readonly worker: Worker;
    readonly port: MessagePort;
    readonly shared: Int32Array;
    readonly events: RecorderEvents;
  }) {
    this.started = options.started;
    this.#worker = options.worker;
    this.#port = options.port;
    this.#shared = options.shared;
    this.#events = options.events;
    this.#port.on('message', (message: FromRecorder) => this.#receive(message));
    this.#worker.on('error', (error) => this.#over(`its recorder failed: ${error.message}`));
    // The script ends when its own work has.
    this.#port.unref();
    this.#worker.unref();
  }

  /** Makes the task's record and starts it. Rejects with what keeps it from that. */
  static async start(entry: URL, task: NewScriptTask, events: RecorderEvents): Promise<Recorder> {
    const { port1, port2 } = new MessageChannel();
    const buffer = new SharedArrayBuffer(SHARED_BYTES);
    const worker = new Worker(entry, {
      workerData: { port: port2, shared: buffer, task } satisfies RecorderData,
      transferList: [port2],
      // Loaders of the user's own program are not the thread's.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '' },
      // Node pipes a thread's output into the process's own, and with a pipe into them a `console.log` that
      // nobody reads (`| head`, a full disk) throws, which it does not otherwise.
      stdout: true,
      stderr: true,
    });
    const started = await new Promise<StartedScriptTask>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the recorder of the task ended at once')));
      const listen = (message: FromRecorder): void => {
        if (message.type === 'warning') return events.onWarning(message.message);
        port1.off('message', listen);
        if (message.type === 'started') resolve(message);
        else reject(message.type === 'refused' ? fromPortable(message.error) : new Error(message.type));
      };
      port1.on('message', listen);
    });
    worker.removeAllListeners();
    return new Recorder({ started, worker, port: port1, shared: new Int32Array(buffer), events });
  }

  /** Nothing is recorded any more. */
  get isOver(): boolean {
    return Atomics.load(this.#shared, SHARED.over) === 1;
  }

  /** At once: to collect it first would cost more than posting it, and a script may not yield for hours. */
  log(stream: 'stdout' | 'stderr', text: string): void {
    this.#post({ type: 'log', stream, text, size: text.length + MESSAGE_SIZE });
  }

  report(report: Report): void {
    this.#post({ type: 'report', report, size: MESSAGE_SIZE });
  }

  reportContent(report: Omit<ReportWithArtifact, 'artifact'>, name: string, content: Content): void {
    this.#post({ type: 'report-content', report, name, content, size: sizeOf(content) });
  }

  upload(name: string, content: Content): Promise<StoredArtifact> {
    // Uploads are not counted: they wait for nobody, and nobody waits for them but who awaits them.
    return this.#call((call) => ({ type: 'upload', call, name, content, size: MESSAGE_SIZE })).then(
      (answer) => (answer as Extract<FromRecorder, { type: 'stored' }>).artifact,
    );
  }

  /** Content that may be kept elsewhere is in the directory of this machine when it resolves, if it is anywhere. */
  async bring(hash: Digest): Promise<void> {
    if (!this.isOver) await this.#call((call) => ({ type: 'bring', call, hash, size: MESSAGE_SIZE }));
  }

  edit(edit: TaskEdit): void {
    this.#post({ type: 'edit', edit, size: MESSAGE_SIZE });
  }

  /** Everything so far is in the store when it resolves. */
  async flush(): Promise<void> {
    if (!this.isOver) await this.#call((call) => ({ type: 'flush', call, size: MESSAGE_SIZE }));
  }

  /** Ends the task; its thread ends, too. False: it could not be recorded. */
  async end(status: 'completed' | 'failed', error?: ErrorRecord): Promise<boolean> {
    if (this.isOver) return false;
    const answer = await this.#call((call) => endOf(call, status, error));
    return (answer as Extract<FromRecorder, { type: 'done' }>).ok;
  }

  /** The same where nothing can be awaited any more. */
  endNow(status: 'completed' | 'failed' | 'aborted', error?: ErrorRecord): boolean {
    return this.#callNow((call) => endOf(call, status, error));
  }

  leaveNow(job?: QueuePlace): boolean {
    return this.#callNow((call) => ({
      type: 'leave',
      call,
      size: MESSAGE_SIZE,
      ...(job !== undefined && { job }),
    }));
  }

  #post(message: ToRecorder): void {
    if (this.isOver) return;
    this.#port.postMessage(...copied(message));
    this.#posted = (this.#posted + message.size) | 0;
    // A flood of output must not fill the memory, also where the script never yields.
    for (;;) {
      const processed = Atomics.load(this.#shared, SHARED.processed);
      if (((this.#posted - processed) | 0) <= FULL || this.isOver) return;
      if (Atomics.wait(this.#shared, SHARED.processed, processed, PATIENCE_MS) === 'timed-out') {
        this.#over('it cannot be written to its store');
        return;
      }
    }
  }

  async #call(message: (call: number) => ToRecorder): Promise<FromRecorder> {
    const call = this.#nextCall++;
    const answer = new Promise<unknown>((resolve, reject) => this.#calls.set(call, { resolve, reject }));
    // Somebody waits: the script has not ended.
    this.#port.ref();
    try {
      this.#post(message(call));
      if (this.isOver) throw new Error('the task is not recorded any more');
      return (await answer) as FromRecorder;
    } finally {
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#port.unref();
    }
  }

  #callNow(message: (call: number) => ToRecorder): boolean {
    if (this.isOver) return false;
    const call = this.#nextCall++;
    this.#answers.clear();
    this.#post(message(call));
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const seen = Atomics.load(this.#shared, SHARED.answers);
      this.#drain();
      const answer = this.#answers.get(call);
      if (answer !== undefined) return answer.type === 'done' && answer.ok;
      if (this.isOver || performance.now() > until) return false;
      Atomics.wait(this.#shared, SHARED.answers, seen, 1000);
    }
  }

  #drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { readonly message: FromRecorder } | undefined;
      if (received === undefined) return;
      this.#receive(received.message);
    }
  }

  #receive(message: FromRecorder): void {
    switch (message.type) {
      case 'stored':
      case 'done':
      case 'failed': {
        const waiting = this.#calls.get(message.call);
        if (waiting === undefined) this.#answers.set(message.call, message);
        else if (message.type === 'failed') waiting.reject(fromPortable(message.error));
        else waiting.resolve(message);
        return;
      }
      case 'stop':
        return this.#events.onStop(message.message);
      case 'warning':
        return this.#events.onWarning(message.message);
      case 'over':
        return this.#over(message.message);
      case 'started':
      case 'refused':
        return;
      default:
        message satisfies never;
    }
  }

  #over(message: string): void {
    Atomics.store(this.#shared, SHARED.over, 1);
    for (const { reject } of this.#calls.values())
      reject(new Error(`the task is not recorded any more: ${message}`));
    this.#calls.clear();
    this.#events.onWarning(`nothing more of this task is recorded: ${message}`);
  }
}

const endOf = (
  call: number,
  status: 'completed' | 'failed' | 'aborted',
  error: ErrorRecord | undefined,
): ToRecorder => ({ type: 'end', call, status, size: MESSAGE_SIZE, ...(error !== undefined && { error }) });

/** Never more than what makes the script wait. */
const sizeOf = (content: Content): number =>
  content.kind === 'path'
    ? MESSAGE_SIZE
    : Math.min(
        FULL,
        bytesOf(content).reduce((sum, part) => sum + part.byteLength, MESSAGE_SIZE),
      );

function bytesOf(content: Extract<Content, { kind: 'packed' }>): readonly Uint8Array[] {
  const bytes = content.packed.content;
  if (bytes instanceof Uint8Array) return [bytes];
  return 'path' in bytes ? [] : bytes;
}

/**
 * Bytes are copied once and then handed over: they may be views of the script's own memory (which it goes on
 * changing), or small pieces of large buffers (which a clone would copy whole).
 */
function copied(message: ToRecorder): [ToRecorder, ArrayBuffer[]] {
  if (!('content' in message) || message.content.kind === 'path') return [message, []];
  const parts = bytesOf(message.content).map((part) => new Uint8Array(part));
  const packed = { ...message.content.packed, content: parts };
  return [{ ...message, content: { kind: 'packed', packed } }, parts.map(({ buffer }) => buffer)];
}
