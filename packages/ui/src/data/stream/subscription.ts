import type { StreamMessage, StreamQuery } from '@run-pipeline/core/wire';
import { queryText } from '../api.js';

/** What somebody wants to hear of, with how far they are. */
export interface Subscription {
  /** By run: events after this sequence number. */
  readonly runs: Readonly<Record<string, number>>;
  /** By `RUN/STEP/ATTEMPT`: console after this event. */
  readonly logs: Readonly<Record<string, number>>;
  readonly list: boolean;
  readonly fleet: boolean;
}

export const NOTHING: Subscription = { runs: {}, logs: {}, list: false, fleet: false };

/** All that they want together; of what several want, from where the one who is least far is. */
export function union(wanted: Iterable<Subscription>): Subscription {
  const runs: Record<string, number> = {};
  const logs: Record<string, number> = {};
  let list = false;
  let fleet = false;
  for (const one of wanted) {
    least(runs, one.runs);
    least(logs, one.logs);
    list ||= one.list;
    fleet ||= one.fleet;
  }
  return { runs, logs, list, fleet };
}

function least(into: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [key, seq] of Object.entries(from)) into[key] = Math.min(into[key] ?? Infinity, seq);
}

export const isEmpty = (wanted: Subscription): boolean =>
  !wanted.list &&
  !wanted.fleet &&
  Object.keys(wanted.runs).length === 0 &&
  Object.keys(wanted.logs).length === 0;

/** Whether a stream that tells `told` (and is at its cursors) tells `wanted` too. */
export function covers(told: Subscription, wanted: Subscription): boolean {
  return (
    (told.list || !wanted.list) &&
    (told.fleet || !wanted.fleet) &&
    isWithin(told.runs, wanted.runs) &&
    isWithin(told.logs, wanted.logs)
  );
}

const isWithin = (
  told: Readonly<Record<string, number>>,
  wanted: Readonly<Record<string, number>>,
): boolean => Object.entries(wanted).every(([key, seq]) => key in told && (told[key] ?? Infinity) <= seq);

/** The same, this message heard. */
export function advance(at: Subscription, message: StreamMessage): Subscription {
  if (message.type === 'events' && message.run in at.runs)
    return {
      ...at,
      runs: { ...at.runs, [message.run]: Math.max(at.runs[message.run] ?? -1, message.lastSeq) },
    };
  if (message.type === 'log') {
    const key = logKey(message);
    if (key in at.logs)
      return { ...at, logs: { ...at.logs, [key]: Math.max(at.logs[key] ?? -1, message.lastSeq) } };
  }
  return at;
}

export const logKey = (of: {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
}): string => `${of.run}/${encodeURIComponent(of.step)}/${of.attempt}`;

export function streamQuery(wanted: Subscription): string {
  const pairs = (cursors: Readonly<Record<string, number>>): string =>
    Object.entries(cursors)
      .map(([key, seq]) => `${key}:${seq}`)
      .join(',');
  const query: StreamQuery = {
    runs: pairs(wanted.runs),
    logs: pairs(wanted.logs),
    ...(wanted.list ? { list: '1' as const } : {}),
    ...(wanted.fleet ? { fleet: '1' as const } : {}),
  };
  return queryText(query);
}
