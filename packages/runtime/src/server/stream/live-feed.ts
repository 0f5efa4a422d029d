import type { ServerResponse } from 'node:http';
import { runId, stepName, taskId, type RunEvent, type StepLog } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import type { StreamMessage } from '@run-pipeline/core/wire';
import { shownStatus } from '../../engine/index.js';
import { resumeCommandOf } from '../command-line.js';
import { taskLogSource } from '../logs/log-source.js';
import { VIEW_EVENTS } from '../runs/run-views.js';
import type { ServerContext } from '../server-context.js';
import { Refusal } from '../refusal.js';
import { Connection, type FollowedLog } from './connection.js';
import { FleetWatch } from './fleet-watch.js';
import { ListWatch, type ListChanges } from './list-watch.js';
import type { Followed } from './stream-query.js';

/** Commits within so many milliseconds are told together. */
const COALESCE_MS = 50;
const BEAT_MS = 15_000;
/** How often processes are looked at: that one is gone is no commit. */
const LIVENESS_MS = 2_000;
const MOST_CONNECTIONS = 100;
/** Events in one message. */
const EVENTS_PAGE = 1_000;
const LOG_PAGE = 40;
/** Who is behind by more than this reads a snapshot sooner than all that happened. */
const TOO_FAR_EVENTS = 20_000;
const TOO_FAR_LOG_PAGES = 100;

/**
 * Tells every connected reader what is committed. One look at the store serves all of them; what a
 * reader is told is read from the store by its cursor, so a server that is started again goes on where
 * the one before it stopped. Nothing is read while nobody listens.
 */
export class LiveFeed {
  readonly #context: ServerContext;
  readonly #connections = new Set<Connection>();
  readonly #list: ListWatch;
  readonly #fleet: FleetWatch;
  #unwatch: (() => void) | undefined;
  #timers: NodeJS.Timeout[] = [];
  #due: NodeJS.Timeout | undefined;
  #lastFlush = 0;
  #flushing = false;
  #again = false;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#list = new ListWatch(context);
    this.#fleet = new FleetWatch(context);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Answers with the stream, until the reader or the server ends it. */
  connect(response: ServerResponse, followed: Followed): void {
    if (this.#connections.size >= MOST_CONNECTIONS)
      throw new Refusal(503, 'too-many-streams', 'too many pages are open on this server');
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const connection = new Connection(response, followed, () => this.#wake());
    response.on('close', () => {
      connection.closed = true;
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#rest();
    });
    this.#connections.add(connection);
    response.write('retry: 1000\n\n');
    connection.send({ type: 'hello', server: this.#context.instance, now: new Date().toISOString() });
    this.#start();
    this.#wake();
  }

  /** Ends all streams. */
  close(): void {
    for (const connection of this.#connections) connection.end();
    this.#connections.clear();
    this.#rest();
  }

  #start(): void {
    if (this.#unwatch !== undefined) return;
    this.#unwatch = this.#context.project.store.watch(() => this.#wake());
    this.#timers = [
      setInterval(() => {
        for (const connection of this.#connections) connection.beat();
      }, BEAT_MS),
      setInterval(() => this.#wake(), LIVENESS_MS),
    ];
  }

  #rest(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    clearTimeout(this.#due);
    this.#due = undefined;
    this.#list.forget();
    this.#fleet.forget();
  }

  #wake(): void {
    if (this.#due !== undefined || this.#connections.size === 0) return;
    const wait = Math.max(0, this.#lastFlush + COALESCE_MS - performance.now());
    this.#due = setTimeout(() => {
      this.#due = undefined;
      void this.#flush();
    }, wait);
  }

  async #flush(): Promise<void> {
    if (this.#flushing) {
      this.#again = true;
      return;
    }
    this.#flushing = true;
    this.#lastFlush = performance.now();
    try {
      await this.#tellAll();
    } catch (error) {
      // The store may be locked by a recovery, or was removed: the next wake tries again.
      this.#context.onBug(error);
    } finally {
      this.#flushing = false;
      if (this.#again) {
        this.#again = false;
        this.#wake();
      }
    }
  }

  async #tellAll(): Promise<void> {
    const connections = [...this.#connections];
    const look = new Look(this.#context);
    if (connections.some(({ list }) => list)) {
      const changed = await this.#list.changes();
      for (const connection of connections) if (connection.list) this.#tellList(connection, changed);
    }
    if (connections.some(({ fleet }) => fleet) && (await this.#fleet.changed()))
      for (const connection of connections) if (connection.fleet) connection.send({ type: 'fleet' });
    for (const connection of connections) {
      for (const run of connection.runs.keys()) await this.#tellRun(connection, run, look);
      for (const log of connection.logs) await this.#tellLog(connection, log, look);
    }
  }

  #tellList(connection: Connection, changes: ListChanges): void {
    for (const id of changes.changed) connection.changed.add(id);
    connection.reload ||= changes.reload;
    if (!connection.ready || (connection.changed.size === 0 && !connection.reload)) return;
    const changed = [...connection.changed].flatMap((id) => this.#list.item(id) ?? []);
    connection.send({
      type: 'runs',
      changed,
      total: changes.total,
      ...(connection.reload ? { reload: true as const } : {}),
    });
    connection.changed.clear();
    connection.reload = false;
  }

  async #tellRun(connection: Connection, run: string, look: Look): Promise<void> {
    const row = await look.row(run);
    if (row === undefined) {
      connection.runs.delete(run);
      connection.send({ type: 'gone', run });
      return;
    }
    let seq = connection.runs.get(run)!;
    if (row.lastSeq - seq > TOO_FAR_EVENTS && connection.ready) {
      connection.send({ type: 'resync', run });
      seq = row.lastSeq;
    }
    while (seq < row.lastSeq && connection.ready) {
      const { json, lastSeq } = await look.events(row, seq);
      if (json !== undefined) connection.sendText(json);
      seq = lastSeq;
    }
    // Gone meanwhile, or told that it is: a cursor that is set again would bring it back.
    if (connection.runs.has(run)) connection.runs.set(run, seq);
    this.#tellLiveness(connection, row);
  }

  #tellLiveness(connection: Connection, row: RunRow): void {
    const lost = shownStatus(row) === 'lost';
    if (lost === connection.lost.has(row.id) || !connection.ready) return;
    if (lost) connection.lost.add(row.id);
    else connection.lost.delete(row.id);
    connection.send({
      type: 'liveness',
      run: row.id,
      lost,
      ...(lost ? { resume: resumeCommandOf(row.id) } : {}),
    });
  }

  async #tellLog(connection: Connection, log: FollowedLog, look: Look): Promise<void> {
    if (log.step === '') return this.#tellTask(connection, log);
    const row = await look.row(log.run);
    if (row === undefined) return;
    for (let page = 0; log.seq < row.lastSeq && connection.ready; page++) {
      if (page === TOO_FAR_LOG_PAGES) {
        connection.send({ type: 'resync', run: log.run, step: log.step, attempt: log.attempt });
        log.seq = row.lastSeq;
        return;
      }
      const { chunks, lastSeq } = await look.log(row, log);
      if (chunks.length > 0) {
        connection.send({
          type: 'log',
          run: log.run,
          step: log.step,
          attempt: log.attempt,
          lastSeq,
          chunks,
        });
      }
      log.seq = lastSeq;
    }
  }

  /** Of a task of its own: its output is no part of a run. */
  async #tellTask(connection: Connection, log: FollowedLog): Promise<void> {
    const source = taskLogSource(this.#context.project.store, taskId(log.run), log.attempt);
    for (let page = 0; connection.ready && page < TOO_FAR_LOG_PAGES; page++) {
      const { entries, read, done } = await source.read(log.seq, LOG_PAGE);
      log.seq = read;
      if (entries.length > 0)
        connection.send({
          type: 'log',
          run: log.run,
          step: '',
          attempt: log.attempt,
          lastSeq: read,
          chunks: entries.map(({ seq, chunk }) => ({ seq, ...chunk })),
        });
      if (done) return;
    }
    // The rest with the next look: others want to be told, too.
    if (connection.ready) this.#wake();
  }
}

type Told = Extract<StreamMessage, { readonly type: 'log' }>;

/** What one look at the store finds; several readers that want the same are served by one query. */
class Look {
  readonly #context: ServerContext;
  readonly #rows = new Map<string, Promise<RunRow | undefined>>();
  readonly #events = new Map<
    string,
    Promise<{ readonly json: string | undefined; readonly lastSeq: number }>
  >();

  constructor(context: ServerContext) {
    this.#context = context;
  }

  row(run: string): Promise<RunRow | undefined> {
    let row = this.#rows.get(run);
    if (row === undefined) {
      row = this.#context.project.store.getRun(runId(run));
      this.#rows.set(run, row);
    }
    return row;
  }

  events(
    row: RunRow,
    afterSeq: number,
  ): Promise<{ readonly json: string | undefined; readonly lastSeq: number }> {
    const key = `${row.id}:${afterSeq}`;
    let found = this.#events.get(key);
    if (found === undefined) {
      found = this.#readEvents(row, afterSeq);
      this.#events.set(key, found);
    }
    return found;
  }

  async #readEvents(
    row: RunRow,
    afterSeq: number,
  ): Promise<{ readonly json: string | undefined; readonly lastSeq: number }> {
    const events = await this.#context.project.store.readEvents(row.id, {
      types: VIEW_EVENTS,
      afterSeq,
      limit: EVENTS_PAGE,
    });
    const lastSeq = lastRead(events, row, EVENTS_PAGE);
    const json =
      events.length === 0 ? undefined : JSON.stringify({ type: 'events', run: row.id, events, lastSeq });
    return { json, lastSeq };
  }

  async log(
    row: RunRow,
    log: FollowedLog,
  ): Promise<{ readonly chunks: Told['chunks']; readonly lastSeq: number }> {
    const events = await this.#context.project.store.readEvents(row.id, {
      types: ['step.log'],
      step: stepName(log.step),
      afterSeq: log.seq,
      limit: LOG_PAGE,
    });
    const chunks = events
      .filter((event): event is RunEvent & StepLog => event.type === 'step.log')
      .filter((event) => event.attempt === log.attempt)
      .map(({ seq, stream, text, ts }) => ({ seq, stream, text, ts }));
    return { chunks, lastSeq: lastRead(events, row, LOG_PAGE) };
  }
}

/** A page that is not full holds all there was when the row was read, and maybe more. */
const lastRead = (events: readonly RunEvent[], row: RunRow, page: number): number => {
  const last = events.at(-1)?.seq ?? -1;
  return events.length < page ? Math.max(last, row.lastSeq) : last;
};
