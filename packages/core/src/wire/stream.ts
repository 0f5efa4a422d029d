import type { RunEvent } from '../model/events.js';
import type { ConsoleChunk } from '../run-view/console-lines.js';
import type { RunListItem } from './runs.js';

/**
 * What the one stream (`text/event-stream`) may be asked for, as query of its address. A reader that
 * wants something else opens it anew with its cursors: nothing is lost, since every run has a cursor
 * of its own, and a reader that comes too late reads a snapshot.
 */
export interface StreamQuery {
  /** `RUN:SEQ`, comma separated: events of these runs after these sequence numbers. */
  readonly runs?: string;
  /**
   * `RUN/STEP/ATTEMPT:SEQ`, comma separated: console of these attempts after these events. The step is
   * percent-encoded (`encodeURIComponent`) before the whole is put into the address. `TASK//ATTEMPT:SEQ` is
   * the console of a task of its own.
   */
  readonly logs?: string;
  /** `1`: changes of the list of runs. */
  readonly list?: '1';
  /** `1`: changes of tasks, queues and agents. */
  readonly fleet?: '1';
}

/** Messages, each as one `data:` line of JSON; coalesced, at most one of a kind and run each 50 ms. */
export type StreamMessage =
  /** The first one. What is not followed by a cursor (the list, the fleet) is to be read after it. */
  | { readonly type: 'hello'; readonly server: string; readonly now: string }
  /** Without `step.log`; in order, none left out. `seq` of log lines is skipped, so gaps are normal. */
  | {
      readonly type: 'events';
      readonly run: string;
      readonly events: readonly RunEvent[];
      readonly lastSeq: number;
    }
  /** New console output of a followed attempt. Of a task of its own: `run` is its id, `step` empty. */
  | {
      readonly type: 'log';
      readonly run: string;
      readonly step: string;
      readonly attempt: number;
      readonly lastSeq: number;
      /** `seq`: its event. The tabs of a browser share a stream: some have heard of it before. */
      readonly chunks: readonly (ConsoleChunk & { readonly seq: number })[];
    }
  /** A run whose process is gone, or came back. */
  | { readonly type: 'liveness'; readonly run: string; readonly lost: boolean; readonly resume?: string }
  /** `reload`: runs were deleted; read the list again. */
  | {
      readonly type: 'runs';
      readonly changed: readonly RunListItem[];
      readonly total: number;
      readonly reload?: true;
    }
  /**
   * This reader was so far behind that it reads the snapshot (with `step` and `attempt`: the page of the
   * console) sooner. The stream goes on with what is committed from now on.
   */
  | { readonly type: 'resync'; readonly run: string; readonly step?: string; readonly attempt?: number }
  /** Something of tasks, queues or agents changed: read again what is shown. */
  | { readonly type: 'fleet' }
  /** The run was deleted (gc). */
  | { readonly type: 'gone'; readonly run: string };
