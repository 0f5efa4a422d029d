import type { RunEvent, StepEnd, StepLog, StepName } from '@run-pipeline/core/model';
import { OutputLines } from './output-lines.js';
import { Progress, waitingQueues, type Group, type RunningStep } from './progress.js';
import type { Reporter, ReporterOptions } from './reporter.js';
import { printable, printableLine, printableWord } from './sanitise.js';
import { Screen } from './screen.js';
import {
  endLine,
  groupEndLine,
  groupText,
  paintStatus,
  retryLine,
  SYMBOLS,
  waitingText,
} from './step-lines.js';
import { count, formatDuration, listSome } from './units.js';
import { resumeHeadline, runHeadline } from './headline.js';

const FRAME_MS = 80;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const MOST_RUNNING = 10;
const BAR = 20;
/** More steps in a row that only say `cached` (or `skipped`) share a line. */
const FOLD_FROM = 5;

/** For a person at a terminal. Events only change state; what is seen changes once a frame. */
export class LiveReporter implements Reporter {
  readonly progress = new Progress();
  readonly #screen: Screen;
  readonly #options: ReporterOptions;
  readonly #output = new OutputLines();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #startedAt: number;
  #folded: StepEnd[] = [];
  #frame = 0;
  #closed = false;
  #active = false;

  /** `frames: 'manual'` leaves drawing to the caller of `frame()`. */
  constructor(options: ReporterOptions & { readonly frames?: 'timer' | 'manual' }) {
    this.#options = options;
    this.#screen = new Screen(options.out);
    this.#startedAt = options.now();
    if (options.frames !== 'manual') {
      this.#timer = setInterval(() => this.frame(), FRAME_MS);
      // A timer of the display must not keep the process alive.
      this.#timer.unref();
    }
  }

  event(event: RunEvent): void {
    const { style, now } = this.#options;
    if (event.type === 'step.log') return this.#log(event);
    this.progress.apply(event, now());
    switch (event.type) {
      case 'run.start':
        this.#active = true;
        return this.#print(runHeadline(style, event));
      case 'run.resume':
        this.#active = true;
        return this.#print(resumeHeadline(style, this.progress));
      case 'step.retry':
        this.#flushOutput(event.step, event.attempt);
        return this.#print(retryLine(style, event));
      case 'step.end':
        return this.#end(event);
      case 'run.end':
        this.#active = false;
        return this.#flushFolded();
      default:
        return;
    }
  }

  recall(event: RunEvent): void {
    this.progress.apply(event, this.#options.now());
  }

  note(text: string): void {
    const lines = printable(text).replace(/\n$/, '');
    this.#print(lines);
  }

  hide(): void {
    if (!this.#closed) this.#screen.draw([]);
  }

  close(): void {
    if (this.#closed) return;
    this.#flushFolded();
    this.#closed = true;
    clearInterval(this.#timer);
    this.#screen.close();
  }

  tail(step: string): readonly string[] {
    return this.#output.tail(step as StepName).map((line) => printableLine(line, this.#options.style.colour));
  }

  /** Draws one frame. */
  frame(): void {
    if (this.#closed) return;
    this.#frame += 1;
    this.#screen.draw(this.#active ? this.#footer() : []);
  }

  #print(line: string): void {
    this.#flushFolded();
    this.#screen.print(`${line}\n`);
  }

  #log(event: StepLog): void {
    for (const line of this.#output.push(event)) this.#printOutput(event.step, line);
  }

  #flushOutput(step: StepName, attempt: number): void {
    for (const line of this.#output.flush(step, attempt)) this.#printOutput(step, line);
  }

  #printOutput(step: StepName, line: string): void {
    const { style } = this.#options;
    this.#print(`${style.step(step, `${printableWord(step)} │`)} ${printableLine(line, style.colour)}`);
  }

  #end(end: StepEnd): void {
    const { style, now } = this.#options;
    this.#flushOutput(end.step, end.attempt);
    if (end.status !== 'failed') this.#output.forget(end.step);
    const closes = this.progress.groups.get(end.step);
    if (closes !== undefined) return this.#print(groupEndLine(style, closes, end, now()));
    const good = end.status !== 'failed' && end.status !== 'aborted';
    if (good && this.progress.groupOf(end.step) !== undefined) return;
    if (end.status === 'cached' || end.status === 'skipped') {
      if (this.#folded[0] !== undefined && this.#folded[0].status !== end.status) this.#flushFolded();
      this.#folded.push(end);
      return;
    }
    this.#print(endLine(style, end, this.progress.view.steps.get(end.step)?.agent));
  }

  #flushFolded(): void {
    const folded = this.#folded;
    const first = folded[0];
    if (first === undefined) return;
    this.#folded = [];
    const { style } = this.#options;
    if (folded.length < FOLD_FROM) {
      for (const end of folded) this.#screen.print(`${endLine(style, end)}\n`);
      return;
    }
    const names = listSome(
      folded.map((end) => printableWord(end.step)),
      4,
    );
    const symbol = paintStatus(style, first.status, SYMBOLS[first.status]);
    this.#screen.print(`${symbol} ${count(folded.length, 'step')} ${first.status}: ${style.dim(names)}\n`);
  }

  #footer(): readonly string[] {
    const { style, now } = this.#options;
    const time = now();
    const room = Math.max(0, Math.min(MOST_RUNNING, this.#screen.rows - 4));
    const rows = this.#runningRows();
    const shown = rows.length > room ? rows.slice(0, Math.max(0, room - 1)) : rows;
    const spinner = style.info(SPINNER[this.#frame % SPINNER.length]!);
    const lines = shown.map((row) => `${spinner} ${row.text} ${style.dim(formatDuration(time - row.since))}`);
    if (shown.length < rows.length && room > 0)
      lines.push(style.dim(`  and ${rows.length - shown.length} more running`));
    for (const queue of waitingQueues(this.progress).slice(0, Math.max(0, room - lines.length)))
      lines.push(style.dim(`· ${waitingText(queue)} ${formatDuration(time - queue.first.since)}`));
    lines.push(this.#summaryBar(time));
    return lines;
  }

  /** Longest running first; the running elements of a mapped step are one row. */
  #runningRows(): readonly { readonly text: string; readonly since: number }[] {
    const rows: { text: string; since: number }[] = [];
    const seen = new Set<Group>();
    for (const step of this.progress.running.values()) {
      const group = this.progress.groupOf(step.name);
      if (group === undefined) {
        rows.push({ text: runningText(step), since: step.since });
      } else if (!seen.has(group)) {
        seen.add(group);
        rows.push({
          text: `${groupText(group)} ${group.running.size} running`,
          since: group.since ?? step.since,
        });
      }
    }
    return rows.sort((a, b) => a.since - b.since);
  }

  #summaryBar(time: number): string {
    const { style } = this.#options;
    const { counts, ended, total, running, waiting } = this.progress;
    const filled = total === 0 ? 0 : Math.round((ended / total) * BAR);
    const bar = style.good('━'.repeat(filled)) + style.dim('─'.repeat(BAR - filled));
    const parts = [`${ended}/${total}`];
    if (counts.cached > 0) parts.push(style.info(`${counts.cached} cached`));
    if (counts.failed > 0) parts.push(style.bad(`${counts.failed} failed`));
    if (counts.skipped > 0) parts.push(style.dim(`${counts.skipped} skipped`));
    if (running.size > 0) parts.push(`${running.size} running`);
    if (waiting.size > 0) parts.push(`${waiting.size} waiting`);
    parts.push(style.dim(formatDuration(time - this.#startedAt)));
    return `${bar} ${parts.join('  ')}`;
  }
}

function runningText(step: RunningStep): string {
  const attempt = step.attempt > 1 ? ` (attempt ${step.attempt})` : '';
  const where = step.agent === undefined ? '' : ` on ${printableWord(step.agent)}`;
  return `${printableWord(step.name)}${attempt}${where}`;
}
