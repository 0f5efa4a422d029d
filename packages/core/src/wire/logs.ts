import type { ConsoleLine } from '../run-view/console-lines.js';

/** What there is of console output in a run. */
export interface LogSummary {
  readonly attempts: readonly {
    readonly step: string;
    readonly attempt: number;
    /** Line ends. */
    readonly lines: number;
    /** Characters. */
    readonly size: number;
  }[];
}

/**
 * A window of lines, as `ConsoleLines` makes them: counted from 0 in the order in which they ended, of
 * both streams together or of one.
 */
export interface LogQuery {
  /** Default: the latest. */
  readonly attempt?: number;
  readonly stream?: 'stdout' | 'stderr';
  /** First line. Negative: from the end. Default 0. */
  readonly from?: number;
  /** Default 1,000, at most 5,000. */
  readonly limit?: number;
  /** Tells in `matches` where this text stands (case-insensitive). With `limit` 0: only that. */
  readonly search?: string;
}

export interface LogPage {
  readonly attempt: number;
  /** Number of the first line. */
  readonly from: number;
  readonly lines: readonly ConsoleLine[];
  /** Lines of this attempt (and stream) that have ended so far. */
  readonly total: number;
  /**
   * What has no end yet, one line a stream at most, below all others. A reader that goes on with the
   * stream's chunks does so with `new ConsoleLines(page.open)`.
   */
  readonly open: readonly ConsoleLine[];
  /** The last event that is in it: the cursor of the stream. */
  readonly lastSeq: number;
  /** Numbers of lines, at most 10,000. */
  readonly matches?: readonly number[];
}
