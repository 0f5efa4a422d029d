import { stepName, type RunEvent, type RunId, type TaskRecord } from '@run-pipeline/core/model';
import type { LogPage, LogQuery, LogSummary } from '@run-pipeline/core/wire';
import type { Store } from '@run-pipeline/core/ports';
import { badRequest } from '../refusal.js';
import { LogIndex } from './log-index.js';
import { stepLogSource, taskLogSource, type LogSource } from './log-source.js';
import { RunLogSizes } from './run-log-sizes.js';

const DEFAULT_LIMIT = 1_000;
const MOST_MATCHES = 10_000;
const MOST_INDEXES = 48;
const MOST_SIZES = 16;

/** Consoles, by lines. What was counted is kept for those that are looked at. */
export class Logs {
  readonly #store: Store;
  readonly #indexes = new Map<string, LogIndex>();
  readonly #sizes = new Map<RunId, RunLogSizes>();

  constructor(store: Store) {
    this.#store = store;
  }

  async ofStep(
    of: { readonly run: RunId; readonly step: string },
    query: LogQuery,
    signal: AbortSignal,
  ): Promise<LogPage> {
    const { run, step } = of;
    const starts = await this.#store.readEvents(run, { types: ['step.start'], step: stepName(step) });
    const attempt = query.attempt ?? starts.reduce((latest, event) => Math.max(latest, attemptOf(event)), 1);
    // Everything of an attempt comes after its start.
    const start = starts.find((event) => attemptOf(event) === attempt)?.seq ?? -1;
    const source = stepLogSource(this.#store, { run, step, attempt, start });
    return this.#page(source, attempt, query, signal);
  }

  async ofTask(task: TaskRecord, query: LogQuery, signal: AbortSignal): Promise<LogPage> {
    // What a step printed is told by the events of its run, wherever it was executed.
    if (task.run !== undefined && task.step !== undefined)
      return this.ofStep({ run: task.run, step: task.step }, query, signal);
    const attempt = query.attempt ?? task.attempt;
    return this.#page(taskLogSource(this.#store, task.id, attempt), attempt, query, signal);
  }

  async summary(run: RunId, signal: AbortSignal): Promise<LogSummary> {
    const sizes = recent(this.#sizes, run, MOST_SIZES, () => new RunLogSizes(this.#store, run));
    return { attempts: await sizes.update(signal) };
  }

  async #page(source: LogSource, attempt: number, query: LogQuery, signal: AbortSignal): Promise<LogPage> {
    if (query.search === '') throw badRequest('"search" must not be empty');
    const key = `${source.key} ${query.stream ?? ''}`;
    const index = recent(this.#indexes, key, MOST_INDEXES, () => new LogIndex(source, query.stream));
    const { total, lastSeq, open } = await index.update();
    const { from: asked = 0, limit = DEFAULT_LIMIT } = query;
    const from = asked < 0 ? Math.max(0, total + asked) : Math.min(asked, total);
    const lines = await index.window(from, Math.min(limit, total - from));
    const matches =
      query.search === undefined ? undefined : await index.search(query.search, MOST_MATCHES, signal);
    return { attempt, from, lines, total, open, lastSeq, ...(matches === undefined ? {} : { matches }) };
  }
}

const attemptOf = (event: RunEvent): number => ('attempt' in event ? event.attempt : 0);

/** The entry of a key, which becomes the most recent of at most so many. */
function recent<Key, Value>(map: Map<Key, Value>, key: Key, most: number, make: () => Value): Value {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  if (map.size > most) for (const oldest of map.keys()) return (map.delete(oldest), value);
  return value;
}
