import type { RunEvent, RunId } from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import { applyEvent, emptyRunView, type RunView } from '@run-pipeline/core/run-view';

/** Everything but console output, which can be a thousand times more. */
export const VIEW_EVENTS: readonly RunEvent['type'][] = [
  'run.start',
  'step.add',
  'step.queue',
  'step.start',
  'step.report',
  'step.retry',
  'step.end',
  'run.report',
  'run.artifact',
  'run.resume',
  'run.end',
];

/** Events read at once: parsing more would be felt by others. */
const PAGE = 5000;
const MOST_VIEWS = 24;
/** Steps and reports of all views together: of a long training there are hundreds of thousands. */
const MOST_ENTRIES = 500_000;

/**
 * Runs as views, each read once and brought up to date by the events that came since. What it gives
 * is shared: nobody may change it, and it is only good until the next `await` of its user.
 */
export class RunViews {
  readonly #store: Store;
  /** The least recently used first. */
  readonly #views = new Map<RunId, Promise<RunView>>();
  readonly #sizes = new Map<RunId, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The run as of the row's last event, or later. */
  async get(row: RunRow): Promise<RunView> {
    const known = this.#views.get(row.id);
    // One reader a run at a time: two would apply the same events.
    const reading = (known ?? Promise.resolve(blankView(row))).then((view) => this.#readOn(view, row));
    this.#views.delete(row.id);
    this.#views.set(row.id, reading);
    reading.then(
      (view) => this.#measure(row.id, view),
      () => this.forget(row.id),
    );
    return reading;
  }

  /** The same for a reader that comes once: it is not kept. */
  async once(row: RunRow): Promise<RunView> {
    return this.#views.has(row.id) ? this.get(row) : this.#readOn(blankView(row), row);
  }

  forget(run: RunId): void {
    this.#views.delete(run);
    this.#sizes.delete(run);
  }

  /** The one that was asked for last stays, however large. */
  #measure(run: RunId, view: RunView): void {
    if (!this.#views.has(run)) return;
    this.#sizes.set(run, sizeOf(view));
    let total = 0;
    for (const [index, id] of [...this.#views.keys()].reverse().entries()) {
      total += this.#sizes.get(id) ?? 0;
      if (index > 0 && (index >= MOST_VIEWS || total > MOST_ENTRIES)) this.forget(id);
    }
  }

  async #readOn(view: RunView, row: RunRow): Promise<RunView> {
    while (view.lastSeq < row.lastSeq) {
      const events = await this.#store.readEvents(view.id, {
        types: VIEW_EVENTS,
        afterSeq: view.lastSeq,
        limit: PAGE,
      });
      for (const event of events) applyEvent(view, event);
      if (events.length < PAGE) {
        // What follows, up to the row's last one, is console.
        view.lastSeq = Math.max(view.lastSeq, row.lastSeq);
        break;
      }
      await new Promise((next) => setImmediate(next));
    }
    return view;
  }
}

function sizeOf(view: RunView): number {
  let size = view.reports.length;
  for (const step of view.steps.values()) size += 1 + step.reports.length;
  return size;
}

/** A run that ended before its first event is known by its row. */
function blankView(row: RunRow): RunView {
  const view = emptyRunView(row.id);
  view.pipeline = row.pipeline;
  view.project = row.project;
  view.version = row.version;
  view.number = row.number;
  view.source = row.source;
  return view;
}
