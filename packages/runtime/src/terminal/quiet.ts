import type { RunEvent, StepName } from '@run-pipeline/core/model';
import { OutputLines } from './output-lines.js';
import { Progress } from './progress.js';
import type { Reporter, ReporterOptions } from './reporter.js';
import { printableLine } from './sanitise.js';

/** Shows nothing while the run goes on; keeps what the report of a failure needs. */
export class QuietReporter implements Reporter {
  readonly progress = new Progress();
  readonly #options: ReporterOptions;
  readonly #output = new OutputLines();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  event(event: RunEvent): void {
    if (event.type === 'step.log') {
      this.#output.push(event);
      return;
    }
    if (event.type === 'step.end') {
      this.#output.flush(event.step, event.attempt);
      if (event.status !== 'failed') this.#output.forget(event.step);
    }
    this.progress.apply(event, this.#options.now());
  }

  recall(event: RunEvent): void {
    this.progress.apply(event, this.#options.now());
  }

  note(): void {}

  hide(): void {}

  close(): void {}

  tail(step: string): readonly string[] {
    return this.#output.tail(step as StepName).map((line) => printableLine(line, this.#options.style.colour));
  }
}
