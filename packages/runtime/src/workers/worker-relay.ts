import type { TaskId } from '@run-pipeline/core/model';
import type { ProjectCall, ProjectRelay } from '../project/relay.js';
import { valueOf } from './answer-call.js';
import type { FromWorker, ServiceAnswer } from './protocol.js';

export interface WorkerRelayOptions {
  readonly send: (message: FromWorker) => void;
  /** Of what runs now; undefined: nothing does. */
  readonly task: () => TaskId | undefined;
  /** While a question is open the process is at work, although nothing of the step's own is. */
  readonly hold: () => void;
  readonly release: () => void;
}

/** The project as the tasks of this process see it: questions to the supervisor, over its channel. */
export class WorkerRelay implements ProjectRelay {
  readonly #options: WorkerRelayOptions;
  readonly #open = new Map<number, (answer: ServiceAnswer) => void>();
  readonly #listeners = new Set<() => void>();
  #watched: TaskId | undefined;
  #last = 0;

  constructor(options: WorkerRelayOptions) {
    this.#options = options;
  }

  async call(call: ProjectCall): Promise<unknown> {
    const task = this.#options.task();
    if (task === undefined) throw new Error('the task that asks has ended');
    const id = (this.#last += 1);
    const answered = new Promise<ServiceAnswer>((resolve) => this.#open.set(id, resolve));
    if (this.#open.size === 1) this.#options.hold();
    this.#options.send({ type: 'ask', task, id, call });
    return valueOf(await answered);
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    const task = this.#options.task();
    if (task !== undefined && this.#watched !== task) {
      this.#watched = task;
      this.#options.send({ type: 'watch', task });
    }
    return () => void this.#listeners.delete(listener);
  }

  answer(id: number, answer: ServiceAnswer): void {
    const resolve = this.#open.get(id);
    if (resolve === undefined) return;
    this.#open.delete(id);
    if (this.#open.size === 0) this.#options.release();
    resolve(answer);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** With its task: nothing that it asked for comes any more, and nothing waits for it. */
  end(): void {
    if (this.#open.size > 0) this.#options.release();
    this.#open.clear();
    this.#listeners.clear();
  }
}
