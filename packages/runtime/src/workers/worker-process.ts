import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Report, StoredArtifact, TaskEdit } from '@run-pipeline/core/model';
import { processIdentity } from '../project/process-identity.js';
import type { ProjectRelay } from '../project/relay.js';
import { answerCall } from './answer-call.js';
import { abortCause } from './abort-cause.js';
import { ConsoleStream } from './console-stream.js';
import { abortedOutcome, describeLoss, type Exit } from './lost-worker.js';
import { maskArtifact, maskOutcome, maskReport } from './mask-outcome.js';
import { createMasker, type Masker } from './mask.js';
import type {
  AbortCause,
  FromWorker,
  ReportMessage,
  TaskOutcome,
  TaskRequest,
  ToWorker,
} from './protocol.js';
import { reviveThrown } from './thrown.js';
import type { Watchdog } from './watchdog.js';

/** How long what is still in the pipes of a dead process is waited for (INVARIANTS 16). */
const DRAIN_MS = 100;
/** How long an end mark is waited for after the worker said that the task is done. */
const MARK_MS = 1000;
/** How long the answer is waited for after both end marks have come: it is sent right behind them. */
const ANSWER_MS = 5000;
/**
 * Messages go through a descriptor that a step does not meet by accident: with the usual 3, `>&3` or a descriptor
 * that is closed twice would tear them. Those below it are /dev/null.
 */
const CHANNEL = 9;

export interface WorkerIdentity {
  readonly pid: number;
  readonly startTime: string;
  readonly processGroup: number | undefined;
}

export interface TaskRun {
  readonly request: TaskRequest;
  readonly signal: AbortSignal;
  /** Milliseconds from the abort to SIGKILL. */
  readonly graceMs: number;
  readonly service?: ProjectRelay | undefined;
  readonly onLog: (chunk: {
    readonly stream: 'stdout' | 'stderr';
    readonly text: string;
  }) => void | Promise<void>;
  readonly onReport: (report: Report, inline: Uint8Array | undefined) => void;
  readonly onEdit?: ((edit: TaskEdit) => void) | undefined;
  readonly onArtifact?: ((artifact: StoredArtifact) => void) | undefined;
}

/**
 * One worker process, from spawn to exit. It runs one task at a time; whatever happens to the process
 * becomes the outcome of that task. Whether it may run another one is `reusable`.
 */
export class WorkerProcess {
  /** The closure its tasks share; `undefined` while it is pristine. */
  key: string | undefined;
  readonly exited: Promise<Exit>;
  /** Everything it ever said has been read. */
  readonly #heard: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #stdout: ConsoleStream;
  readonly #stderr: ConsoleStream;
  readonly #watchdog: Watchdog;
  #identity: WorkerIdentity | undefined;
  #exit: Exit | undefined;
  #current: CurrentTask | undefined;
  #tainted = false;
  #tasks = 0;
  #loadedBytes = 0;
  #firstRss: number | undefined;
  #rss = 0;

  constructor(options: {
    readonly workerFile: string;
    readonly watchdog: Watchdog;
    readonly env: NodeJS.ProcessEnv;
  }) {
    this.#watchdog = options.watchdog;
    // 'ignore' would leave them free for Node's own descriptors.
    const nowhere = openSync(devNull, 'r+');
    this.#child = fork(options.workerFile, [], {
      stdio: ['ignore', 'pipe', 'pipe', ...Array.from({ length: CHANNEL - 3 }, () => nowhere), 'ipc'],
      serialization: 'advanced',
      // Its own process group, so that what the step starts can be killed with it.
      detached: true,
      env: options.env,
      execArgv: inheritedFlags(process.execArgv),
    });
    closeSync(nowhere);
    this.#stdout = new ConsoleStream(this.#child.stdout!);
    this.#stderr = new ConsoleStream(this.#child.stderr!);
    this.#child.on('message', (message) => this.#receive(message as FromWorker));
    // The channel is the worker's only way to answer: without it the process is of no use.
    this.#child.on('disconnect', () => this.kill());
    this.#heard = new Promise((resolve) => this.#child.once('disconnect', resolve));
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit): void => {
        if (this.#exit !== undefined) return;
        this.#exit = exit;
        // What it started must not outlive it.
        this.#killGroup();
        if (this.#child.pid !== undefined) this.#watchdog.remove(this.#child.pid);
        resolve(exit);
      };
      this.#child.once('exit', (code, signal) => end({ code, signal }));
      this.#child.on('error', (error) => {
        if (this.#child.pid === undefined) end({ code: null, signal: null, error });
        else this.kill();
      });
    });
    if (this.#child.pid !== undefined) this.#watchdog.add(this.#child.pid);
  }

  get alive(): boolean {
    return this.#exit === undefined && this.#child.connected;
  }

  get tasks(): number {
    return this.#tasks;
  }

  /** Bytes of packages it has loaded: ES modules are never unloaded. */
  get loadedBytes(): number {
    return this.#loadedBytes;
  }

  /** Bytes the process has grown by since it was ready. */
  get growth(): number {
    return this.#firstRss === undefined ? 0 : Math.max(0, this.#rss - this.#firstRss);
  }

  get reusable(): boolean {
    // A process whose output ends nowhere must not run another task.
    return this.alive && !this.#tainted && !this.#stdout.ended && !this.#stderr.ended;
  }

  identity(): WorkerIdentity {
    return (this.#identity ??= this.#identify());
  }

  #identify(): WorkerIdentity {
    const pid = this.#child.pid;
    // It could not be spawned; `run` says why.
    if (pid === undefined) return { pid: 0, startTime: 'never', processGroup: undefined };
    const { startTime } = processIdentity(pid);
    return { pid, startTime, processGroup: process.platform === 'win32' ? undefined : pid };
  }

  /** Executes a task; rejects only when a callback of the caller threw. */
  async run(run: TaskRun): Promise<TaskOutcome> {
    const { request } = run;
    const masker = createMasker(request.secrets);
    const mark = `\u0000\u001erun-pipeline:${randomBytes(16).toString('hex')}\u001e\u0000`;
    const stdout = this.#stdout.begin({
      mark,
      masker,
      sink: (text) => run.onLog({ stream: 'stdout', text }),
    });
    const stderr = this.#stderr.begin({
      mark,
      masker,
      sink: (text) => run.onLog({ stream: 'stderr', text }),
    });
    const printed = Promise.all([stdout.finished, stderr.finished]);
    this.#tasks += 1;
    this.#loadedBytes += sizeOf(request.package.file);

    const current = new CurrentTask(request, masker, run);
    this.#current = current;
    this.#send({ type: 'run', request, mark });
    const abort = this.#abortWith(run, current);
    try {
      void printed.then(() => {
        if (stdout.marked && stderr.marked) this.#expectAnswer(current);
      });
      const ended = await Promise.race([current.done, this.exited.then((exit) => ({ exit }))]);
      let outcome: TaskOutcome;
      if ('exit' in ended) {
        // Its last words may still be in the pipes and the channel when its end is known.
        await this.#settle(Promise.all([printed, this.#heard]), DRAIN_MS);
        outcome =
          current.outcome ??
          lostOutcome(ended.exit, current, abort.reason, run.graceMs, stderr.lastLines(20));
      } else {
        if (!(await this.#settle(printed, MARK_MS))) this.#tainted = true;
        outcome = ended;
      }
      const fault = stdout.fault ?? stderr.fault ?? current.fault;
      if (fault !== undefined) throw fault;
      return maskOutcome(current.complete(outcome), masker);
    } finally {
      abort.stop();
      current.unwatch?.();
      this.#current = undefined;
      this.#stdout.stop();
      this.#stderr.stop();
    }
  }

  /** Ends the process and everything it started, at once. */
  kill(): void {
    this.#tainted = true;
    if (this.#exit !== undefined) return;
    this.#killGroup();
    this.#child.kill('SIGKILL');
  }

  #killGroup(): void {
    const pid = this.#child.pid;
    if (pid === undefined || process.platform === 'win32') return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  }

  /** A task that has ended but whose answer does not come would hang: something else was written to the channel. */
  #expectAnswer(current: CurrentTask): void {
    const timer = setTimeout(() => {
      // What arrived while this process was busy is read first.
      setImmediate(() => {
        if (this.#current !== current) return;
        current.unanswered = true;
        this.kill();
      });
    }, ANSWER_MS);
    const clear = (): void => clearTimeout(timer);
    void Promise.race([current.done, this.exited]).then(clear);
  }

  /** Tells the step, and kills the process when it does not end in time. */
  #abortWith(run: TaskRun, current: CurrentTask): { readonly reason: AbortCause | undefined; stop(): void } {
    let timer: NodeJS.Timeout | undefined;
    let reason: AbortCause | undefined;
    const abort = (): void => {
      reason = abortCause(run.signal);
      this.#send({ type: 'abort', task: current.request.task, reason });
      timer = setTimeout(() => this.kill(), run.graceMs);
    };
    if (run.signal.aborted) abort();
    else run.signal.addEventListener('abort', abort, { once: true });
    return {
      get reason() {
        return reason;
      },
      stop: () => {
        run.signal.removeEventListener('abort', abort);
        clearTimeout(timer);
      },
    };
  }

  #send(message: ToWorker): void {
    if (!this.#child.connected) return;
    // A closed channel shows as `disconnect` and `exit`; the callback keeps it from being an 'error'.
    this.#child.send(message, () => undefined);
  }

  #receive(message: FromWorker): void {
    // The step's own `process.send` is taken away, but a library may have kept it: check the shape.
    if (typeof message !== 'object' || message === null) return;
    switch (message.type) {
      case 'ready':
        this.#firstRss = message.rss;
        return;
      case 'reports':
        if (message.task === this.#current?.request.task) this.#current.report(message.reports);
        return;
      case 'edit':
        if (message.task === this.#current?.request.task) this.#current.edit(message.edit);
        return;
      case 'ask':
        if (message.task === this.#current?.request.task) void this.#answer(this.#current, message);
        return;
      case 'watch':
        if (message.task === this.#current?.request.task)
          this.#current.watchWith(() => this.#send({ type: 'changed' }));
        return;
      case 'exiting':
        if (message.task === this.#current?.request.task) this.#current.exiting = message;
        return;
      case 'artifact':
        if (message.task === this.#current?.request.task) this.#current.upload(message.artifact);
        return;
      case 'done':
        if (message.task !== this.#current?.request.task) return;
        this.#rss = message.rss;
        this.#firstRss ??= message.rss;
        if (message.leftovers.length > 0) this.#tainted = true;
        this.#current.finish(message.outcome);
        return;
      default:
        message satisfies never;
    }
  }

  async #answer(current: CurrentTask, { id, call }: FromWorker & { readonly type: 'ask' }): Promise<void> {
    const answer = await answerCall(current.service, call);
    // A later task of this process must not get it.
    if (this.#current === current) this.#send({ type: 'answer', id, answer });
  }

  /** Waits for the pipes; `false` when the time was up. A sink that makes us wait is given its time. */
  async #settle(drained: Promise<unknown>, ms: number): Promise<boolean> {
    const done = drained.then(() => true);
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, ms, false)));
      const settled = await Promise.race([done, late]);
      clearTimeout(timer);
      if (settled || !(this.#stdout.paused || this.#stderr.paused)) return settled;
    }
  }
}

/** What the controller knows of the task a worker is at. */
class CurrentTask {
  readonly done: Promise<TaskOutcome>;
  /** As soon as the worker has said it. */
  outcome: TaskOutcome | undefined;
  readonly request: TaskRequest;
  /** What the process said when `process.exit()` was called. */
  exiting: (FromWorker & { type: 'exiting' }) | undefined;
  /** The end marks came, the answer did not. */
  unanswered = false;
  /** What a callback of the caller threw. */
  fault: unknown;
  /** Ends what it hears of the store. */
  unwatch: (() => void) | undefined;
  readonly #masker: Masker;
  readonly #run: Pick<TaskRun, 'service' | 'onReport' | 'onEdit' | 'onArtifact'>;
  readonly #reports: ReportMessage[] = [];
  readonly #uploads = new Map<string, StoredArtifact>();
  #resolve!: (outcome: TaskOutcome) => void;

  constructor(
    request: TaskRequest,
    masker: Masker,
    run: Pick<TaskRun, 'service' | 'onReport' | 'onEdit' | 'onArtifact'>,
  ) {
    this.request = request;
    this.#masker = masker;
    this.#run = run;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  get service(): ProjectRelay | undefined {
    return this.#run.service;
  }

  /** Once is enough. */
  watchWith(listener: () => void): void {
    this.unwatch ??= this.service?.watch(listener);
  }

  report(messages: readonly ReportMessage[]): void {
    for (const message of messages) {
      const report = maskReport(message.report, this.#masker);
      this.#reports.push({ ...message, report });
      try {
        this.#run.onReport(report, message.inline);
      } catch (error) {
        this.fault ??= error;
      }
    }
  }

  edit(edit: TaskEdit): void {
    try {
      this.#run.onEdit?.(edit);
    } catch (error) {
      this.fault ??= error;
    }
  }

  upload(artifact: StoredArtifact): void {
    this.#uploads.set(artifact.record.name, artifact);
    try {
      this.#run.onArtifact?.(maskArtifact(artifact, this.#masker));
    } catch (error) {
      this.fault ??= error;
    }
  }

  /** What a process that ended by itself came to, where that is an end: a script may call `process.exit(0)`. */
  ended(): TaskOutcome | undefined {
    if (this.exiting === undefined || this.exiting.error !== undefined) return undefined;
    const { uncacheable } = this.exiting;
    return {
      status: 'completed',
      artifacts: [...this.#uploads.values()],
      ...(uncacheable !== undefined && { uncacheable }),
      reports: [],
      values: [],
    };
  }

  finish(outcome: TaskOutcome): void {
    this.outcome =
      outcome.status === 'failed' ? { ...outcome, thrown: reviveThrown(outcome.thrown) } : outcome;
    this.#resolve(this.outcome);
  }

  /** The outcome with everything that was reported on the way. */
  complete(outcome: TaskOutcome): TaskOutcome {
    return outcome.status === 'completed' ? { ...outcome, ...collectReports(this.#reports) } : outcome;
  }
}

/** As the outcome holds them: the reports, and the bytes they refer to, once each. */
export function collectReports(
  messages: readonly ReportMessage[],
): Pick<TaskOutcome & { status: 'completed' }, 'reports' | 'values'> {
  const values = new Map<string, { hash: never; bytes: Uint8Array }>();
  for (const { report, inline } of messages) {
    if (inline !== undefined && 'artifact' in report) {
      values.set(report.artifact.hash, { hash: report.artifact.hash as never, bytes: inline });
    }
  }
  return { reports: messages.map((message) => message.report), values: [...values.values()] };
}

function lostOutcome(
  exit: Exit,
  current: CurrentTask,
  aborted: AbortCause | undefined,
  graceMs: number,
  stderr: string,
): TaskOutcome {
  if (aborted !== undefined) return abortedOutcome(aborted, { timeout: current.request.timeout, graceMs });
  // A channel that closes while the process still goes down gets it killed.
  const ended = exit.code === 0 || exit.signal === 'SIGKILL' ? current.ended() : undefined;
  if (ended !== undefined) return ended;
  const { exiting, unanswered } = current;
  return { status: 'failed', error: describeLoss({ exit, stderr, exiting: exiting?.error, unanswered }) };
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    // The worker will say that the file is not there.
    return 0;
  }
}

/** Flags that change how much a process may use; inspectors and loaders stay with the controller. */
export function inheritedFlags(flags: readonly string[]): string[] {
  return flags.filter((flag) =>
    /^--(?:max-|stack-|v8-pool|no-deprecation|trace-|unhandled-rejections)/.test(flag),
  );
}
