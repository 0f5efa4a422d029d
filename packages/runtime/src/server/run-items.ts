import type { RunId } from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import type { RunListItem } from '@run-pipeline/core/wire';
import { shownStatus } from '../engine/index.js';
import { runItem, summaryOf, type RunSummary } from './run-item.js';
import type { RunViews } from './run-views.js';

const MOST_SUMMARIES = 20_000;
/** The name of the document that a run's summary is kept as, beside the run. */
const SUMMARY_DOCUMENT = 'page-summary';
/** Of its format: one of another version is made anew. */
const VERSION = 1;

interface Kept {
  readonly version: number;
  /** The run's last event that it tells of: a resumed run gets another one. */
  readonly lastSeq: number;
  readonly summary: RunSummary;
}

/**
 * Lines of the list of runs. What a line shows beside the run's row is folded from the run's events
 * once, when the run has ended, and then kept with the run: a list of ten thousand runs reads ten
 * thousand small documents at most, and a page of it fifty.
 */
export class RunItems {
  readonly #store: Store;
  readonly #views: RunViews;
  readonly #kept = new Map<RunId, Kept>();

  constructor(store: Store, views: RunViews) {
    this.#store = store;
    this.#views = views;
  }

  async of(rows: readonly RunRow[]): Promise<readonly RunListItem[]> {
    await this.#load(rows);
    const items: RunListItem[] = [];
    for (const row of rows) items.push(runItem(row, shownStatus(row), await this.#summary(row)));
    return items;
  }

  async #load(rows: readonly RunRow[]): Promise<void> {
    const wanted = rows.filter((row) => hasEnded(row) && !isOf(this.#kept.get(row.id), row));
    if (wanted.length === 0) return;
    const documents = await this.#store.readRunDocuments(
      wanted.map(({ id }) => id),
      SUMMARY_DOCUMENT,
    );
    for (const [id, bytes] of documents) {
      const kept = JSON.parse(Buffer.from(bytes).toString('utf8')) as Kept;
      if (kept.version === VERSION) this.#keep(id, kept);
    }
  }

  async #summary(row: RunRow): Promise<RunSummary> {
    const known = this.#kept.get(row.id);
    if (isOf(known, row)) return known.summary;
    const summary = summaryOf(await (hasEnded(row) ? this.#views.once(row) : this.#views.get(row)));
    if (!hasEnded(row)) return summary;
    const kept: Kept = { version: VERSION, lastSeq: row.lastSeq, summary };
    this.#keep(row.id, kept);
    // It can be made again: that it could not be kept (a read-only store, a run just deleted) is no failure.
    this.#store
      .putRunDocument(row.id, SUMMARY_DOCUMENT, Buffer.from(JSON.stringify(kept)))
      .catch(() => undefined);
    return summary;
  }

  #keep(id: RunId, kept: Kept): void {
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    if (this.#kept.size > MOST_SUMMARIES) this.#kept.delete([...this.#kept.keys()][0]!);
  }
}

const hasEnded = (row: RunRow): boolean => row.status !== 'running' && row.status !== 'queued';

const isOf = (kept: Kept | undefined, row: RunRow): kept is Kept => kept?.lastSeq === row.lastSeq;
