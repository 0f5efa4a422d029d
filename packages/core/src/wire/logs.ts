/** What there is of console output in a run. */
export interface LogSummary {
  readonly attempts: readonly {
    readonly step: string;
    readonly attempt: number;
    readonly lines: number;
    readonly bytes: number;
  }[];
}

/** A window of lines. Lines are counted from 0, after both streams were joined in order of arrival. */
export interface LogQuery {
  readonly attempt?: number;
  readonly stream?: 'stdout' | 'stderr';
  /** First line. Negative: from the end. Default 0. */
  readonly from?: number;
  /** Default 1,000, at most 5,000. */
  readonly limit?: number;
  /** Only tells where this text stands (case-insensitive): `matches`. */
  readonly search?: string;
}

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** Without its line end; ANSI sequences are in it, and are the reader's to interpret. At most 100 KB. */
  readonly text: string;
  readonly ts: string;
}

export interface LogPage {
  /** Number of the first line. */
  readonly from: number;
  readonly lines: readonly LogLine[];
  /** Lines of this attempt (and stream) so far. */
  readonly total: number;
  /** The last event that is in it: where the stream goes on. */
  readonly lastSeq: number;
  /** The last line has no line end yet. */
  readonly open: boolean;
  /** Numbers of lines, at most 10,000. */
  readonly matches?: readonly number[];
}
