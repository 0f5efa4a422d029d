import { taskId, type RunId } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import type { RunList, RunListItem } from '@run-pipeline/core/wire';
import { gitOfRun, shownStatus } from '../../engine/index.js';
import type { Project } from '../../project/index.js';
import { runItem, summaryOf, type RunSummary } from './run-item.js';
import type { RunViews } from './run-views.js';

const MOST_SUMMARIES = 20_000;
/** Of the newest runs, whose names are offered in the query bar. */
const WARMED = 1_000;
const MOST_NAMES = 500;
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
  readonly #project: Project;
  readonly #views: RunViews;
  readonly #kept = new Map<RunId, Kept>();
  readonly #parameters = new Set<string>();
  readonly #metrics = new Set<string>();
  #warmed = false;

  constructor(project: Project, views: RunViews) {
    this.#project = project;
    this.#views = views;
  }

  async of(rows: readonly RunRow[]): Promise<readonly RunListItem[]> {
    await this.#load(rows);
    // The task of a run's controller has the run's id; most runs have none.
    const controllers = await this.#project.store.readAttempts(rows.map(({ id }) => taskId(id)));
    const items: RunListItem[] = [];
    let made = 0;
    for (const row of rows) {
      // Folding is work: others want answers, too.
      if (!isOf(this.#kept.get(row.id), row) && ++made % 10 === 0)
        await new Promise((next) => setImmediate(next));
      const summary = await this.#summary(row);
      items.push(runItem(row, shownStatus(row), summary, controllers.get(taskId(row.id))));
    }
    return items;
  }

  /** Parameters and metrics of the runs that were looked at so far. */
  names(): RunList['names'] {
    return { parameters: [...this.#parameters].sort(), metrics: [...this.#metrics].sort() };
  }

  /** Looks at the newest runs, once, while nothing else is to be done. */
  warm(): void {
    if (this.#warmed) return;
    this.#warmed = true;
    this.#lookAtNewest().catch(() => {
      this.#warmed = false;
    });
  }

  async #lookAtNewest(): Promise<void> {
    const rows = await this.#project.store.findRuns({ limit: WARMED });
    for (let at = 0; at < rows.length; at += 20) {
      await this.of(rows.slice(at, at + 20));
      await new Promise((next) => setTimeout(next, 1));
    }
  }

  async #load(rows: readonly RunRow[]): Promise<void> {
    const wanted = rows.filter((row) => hasEnded(row) && !isOf(this.#kept.get(row.id), row));
    if (wanted.length === 0) return;
    const documents = await this.#project.store.readRunDocuments(
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
    const ended = hasEnded(row);
    const view = await (ended ? this.#views.once(row) : this.#views.get(row));
    const summary = summaryOf(view, await gitOfRun(this.#project, row.id));
    this.#learn(summary);
    if (!ended) return summary;
    const kept: Kept = { version: VERSION, lastSeq: row.lastSeq, summary };
    this.#keep(row.id, kept);
    // It can be made again: that it could not be kept (a read-only store, a run just deleted) is no failure.
    this.#project.store
      .putRunDocument(row.id, SUMMARY_DOCUMENT, Buffer.from(JSON.stringify(kept)))
      .catch(() => undefined);
    return summary;
  }

  #keep(id: RunId, kept: Kept): void {
    this.#learn(kept.summary);
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    if (this.#kept.size > MOST_SUMMARIES) this.#kept.delete([...this.#kept.keys()][0]!);
  }

  #learn({ parameters, metrics }: RunSummary): void {
    for (const name of Object.keys(parameters))
      if (this.#parameters.size < MOST_NAMES) this.#parameters.add(name);
    for (const name of Object.keys(metrics)) if (this.#metrics.size < MOST_NAMES) this.#metrics.add(name);
  }
}

const hasEnded = (row: RunRow): boolean => row.status !== 'running' && row.status !== 'queued';

const isOf = (kept: Kept | undefined, row: RunRow): kept is Kept => kept?.lastSeq === row.lastSeq;
