import { runId, type RunId } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import type { RunListItem } from '@run-pipeline/core/wire';
import type { ServerContext } from '../server-context.js';

export interface ListChanges {
  readonly changed: readonly string[];
  readonly total: number;
  /** Runs were deleted: what changed does not tell which. */
  readonly reload: boolean;
}

/** New runs looked for at once. */
const NEWEST = 50;

/**
 * What changes in the list of runs. Only runs that are new, that go on, or that just ended are looked
 * at, so that a look costs the same with ten thousand runs as with ten.
 */
export class ListWatch {
  readonly #context: ServerContext;
  /** As last told. */
  readonly #items = new Map<string, { readonly item: RunListItem; readonly text: string }>();
  #open = new Set<RunId>();
  #newest: RunRow | undefined;
  #total: number | undefined;

  constructor(context: ServerContext) {
    this.#context = context;
  }

  item(id: string): RunListItem | undefined {
    return this.#items.get(id)?.item;
  }

  /** Nobody listens any more: the next look is a first one. */
  forget(): void {
    this.#items.clear();
    this.#open = new Set();
    this.#newest = undefined;
    this.#total = undefined;
  }

  async changes(): Promise<ListChanges> {
    const { store } = this.#context.project;
    const counts = await store.countRuns();
    const total = counts.reduce((sum, { runs }) => sum + runs, 0);
    const open = await store.findRuns({ status: ['queued', 'running'] });
    const rows = new Map(open.map((row) => [row.id, row]));
    const fresh = await this.#newRuns();
    for (const row of fresh) if (!rows.has(row.id)) rows.set(row.id, row);
    for (const id of this.#open) {
      if (rows.has(id)) continue;
      const row = await store.getRun(id);
      if (row !== undefined) rows.set(id, row);
    }
    const reload = this.#total !== undefined && total < this.#total + fresh.length;
    this.#total = total;
    this.#open = new Set(open.map(({ id }) => id));
    return { changed: await this.#update([...rows.values()]), total, reload };
  }

  /** Runs made since the last look; none at the first. */
  async #newRuns(): Promise<readonly RunRow[]> {
    const { store } = this.#context.project;
    const [newest] = await store.findRuns({ limit: 1 });
    const before = this.#newest;
    this.#newest = newest;
    if (this.#total === undefined || newest === undefined || newest.id === before?.id) return [];
    const rows: RunRow[] = [];
    // Ids are not in the order of creation to the millisecond: the store's order counts.
    for (let last: RunId | undefined; ;) {
      const page = await store.findRuns({ limit: NEWEST, ...(last === undefined ? {} : { before: last }) });
      for (const row of page) {
        // The newest of then may have been deleted: what is older than it is not new.
        if (row.id === before?.id || (before !== undefined && row.createdAt < before.createdAt)) return rows;
        rows.push(row);
      }
      if (page.length < NEWEST || rows.length > 1000) return rows;
      last = page.at(-1)!.id;
    }
  }

  async #update(rows: readonly RunRow[]): Promise<readonly string[]> {
    const changed: string[] = [];
    for (const item of await this.#context.items.of(rows)) {
      const text = JSON.stringify(item);
      if (this.#items.get(item.id)?.text === text) continue;
      this.#items.set(item.id, { item, text });
      changed.push(item.id);
    }
    // What has ended and was told is of no interest any more, but a full socket may still wait for it.
    if (this.#items.size > 2_000) {
      for (const id of [...this.#items.keys()].slice(0, 1_000))
        if (!this.#open.has(runId(id))) this.#items.delete(id);
    }
    return changed;
  }
}
