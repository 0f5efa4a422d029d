import type { ErrorRecord, RunEvent, StepEnd, StepLog, StepName, StepQueue } from '@run-pipeline/core/model';
import { resumeHeadline, runHeadline } from './headline.js';
import { OutputLines } from './output-lines.js';
import { Progress, waitingQueues } from './progress.js';
import type { Reporter, ReporterOptions } from './reporter.js';
import { printable, printableLine, printableWord } from './sanitise.js';
import { endLine, groupEndLine, retryLine, waitingText } from './step-lines.js';
import { count, formatDuration, listSome } from './units.js';
import { errorCommand, groupEnd, groupStart, harmless } from './github.js';

const HEARTBEAT_MS = 30_000;
/** Output of a step kept for its group (GitHub) before it is written in pieces. */
const GROUP_LIMIT = 64 * 1024;

/** For logs and pipes: append-only, a line for every finished step, a sign of life when nothing ends for long. */
export class StreamReporter implements Reporter {
  readonly progress = new Progress();
  readonly #options: StreamOptions;
  readonly #output = new OutputLines();
  readonly #grouped = new Map<StepName, string>();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #startedAt: number;
  readonly #queues = new Set<string>();
  #spokeAt: number;
  #closed = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#startedAt = this.#spokeAt = options.now();
    if (options.heartbeat !== 'manual') {
      this.#timer = setInterval(() => this.heartbeat(), HEARTBEAT_MS / 6);
      this.#timer.unref();
    }
  }

  event(event: RunEvent): void {
    const { style, now } = this.#options;
    if (event.type === 'step.log') return this.#log(event);
    this.progress.apply(event, now());
    switch (event.type) {
      case 'run.start':
        return this.#line(runHeadline(style, event));
      case 'run.resume':
        return this.#line(resumeHeadline(style, this.progress));
      case 'step.retry':
        this.#flushOutput(event.step, event.attempt);
        return this.#line(retryLine(style, event));
      case 'step.end':
        return this.#end(event);
      case 'step.queue':
        return this.#queue(event);
      default:
        return;
    }
  }

  recall(event: RunEvent): void {
    this.progress.apply(event, this.#options.now());
  }

  note(text: string): void {
    this.#line(printable(text).replace(/\n$/, ''));
  }

  hide(): void {}

  close(): void {
    if (this.#closed) return;
    for (const step of this.#grouped.keys()) this.#writeGroup(step);
    this.#closed = true;
    clearInterval(this.#timer);
  }

  tail(step: string): readonly string[] {
    return this.#output.tail(step as StepName).map((line) => printableLine(line, this.#options.style.colour));
  }

  /** Says what is running, when nothing was said for long. */
  heartbeat(): void {
    const time = this.#options.now();
    const running = [...this.progress.running.values()];
    const waiting = waitingQueues(this.progress);
    if (this.#closed || running.length + waiting.length === 0 || time - this.#spokeAt < HEARTBEAT_MS) return;
    const names = running
      .sort((a, b) => a.since - b.since)
      .map((step) => `${printableWord(step.name)} (${formatDuration(time - step.since)})`);
    const { ended, total } = this.progress;
    const parts = [
      `${ended} of ${count(total, 'step')} after ${formatDuration(time - this.#startedAt)}`,
      ...(names.length === 0 ? [] : [`running: ${listSome(names, 5)}`]),
      ...waiting.map((queue) => `${waitingText(queue)} (${formatDuration(time - queue.first.since)})`),
    ];
    this.#line(`… ${parts.join(', ')}`);
  }

  /** Of each queue once: a line a step would say the same over and over. */
  #queue(event: StepQueue): void {
    if (this.#queues.has(event.queue)) return;
    this.#queues.add(event.queue);
    const { style } = this.#options;
    this.#line(style.dim(`· ${printableWord(event.step)} waits in queue ${printableWord(event.queue)}`));
  }

  #end(end: StepEnd): void {
    const { style, now, github } = this.#options;
    this.#flushOutput(end.step, end.attempt);
    this.#writeGroup(end.step);
    if (end.status !== 'failed') this.#output.forget(end.step);
    const closes = this.progress.groups.get(end.step);
    if (closes !== undefined) this.#line(groupEndLine(style, closes, end, now()));
    else this.#line(endLine(style, end, this.progress.view.steps.get(end.step)?.agent));
    if (github !== undefined && end.status === 'failed' && closes === undefined) {
      this.#write(`${errorCommand(`${end.step} failed`, end.error ?? UNKNOWN, github)}\n`);
    }
  }

  #log(event: StepLog): void {
    for (const line of this.#output.push(event)) this.#printOutput(event.step, line);
  }

  #flushOutput(step: StepName, attempt: number): void {
    for (const line of this.#output.flush(step, attempt)) this.#printOutput(step, line);
  }

  #printOutput(step: StepName, line: string): void {
    const { style, github } = this.#options;
    const text = `${style.step(step, `${printableWord(step)} │`)} ${printableLine(line, style.colour)}`;
    if (github === undefined) return this.#write(`${text}\n`);
    const waiting = `${this.#grouped.get(step) ?? ''}${harmless(text)}\n`;
    this.#grouped.set(step, waiting);
    if (waiting.length > GROUP_LIMIT) this.#writeGroup(step);
  }

  #writeGroup(step: StepName): void {
    const text = this.#grouped.get(step);
    if (text === undefined) return;
    this.#grouped.delete(step);
    this.#write(`${groupStart(step)}\n${text}${groupEnd}\n`);
  }

  #line(text: string): void {
    this.#write(`${this.#options.github === undefined ? text : harmless(text)}\n`);
  }

  #write(text: string): void {
    this.#spokeAt = this.#options.now();
    this.#options.out.write(text);
  }
}

const UNKNOWN: ErrorRecord = { name: 'Error', message: 'unknown' };

export interface StreamOptions extends ReporterOptions {
  /** GitHub Actions: step output in groups, failures as annotations. */
  readonly github?: { readonly cwd: string; readonly workspace: string | undefined } | undefined;
  /** `manual` leaves the sign of life to the caller of `heartbeat()`. */
  readonly heartbeat?: 'timer' | 'manual';
}
