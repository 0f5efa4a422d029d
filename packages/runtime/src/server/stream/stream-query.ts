import type { StreamQuery } from '@run-pipeline/core/wire';
import type { Fields } from '../fields.js';
import { badRequest } from '../refusal.js';
import type { FollowedLog } from './connection.js';

/** What one reader of the stream follows. */
export interface Followed {
  readonly runs: Map<string, number>;
  readonly logs: FollowedLog[];
  readonly list: boolean;
  readonly fleet: boolean;
}

const MOST_RUNS = 40;
const MOST_LOGS = 40;

export function readStreamQuery(fields: Fields): Followed {
  const query: { readonly [Key in keyof StreamQuery]: unknown } = {
    list: fields.oneOf('list', ['1']),
    fleet: fields.oneOf('fleet', ['1']),
  };
  return {
    runs: followedRuns(fields.text('runs', { most: 8_000 })),
    logs: followedLogs(fields.text('logs', { most: 32_000 })),
    list: query.list === '1',
    fleet: query.fleet === '1',
  };
}

/** `RUN:SEQ,RUN:SEQ` */
function followedRuns(text: string | undefined): Map<string, number> {
  const runs = new Map<string, number>();
  for (const item of split(text)) {
    const match = /^([0-9a-z]{1,64}):(-?\d{1,12})$/.exec(item);
    if (match === null) throw badRequest('"runs" must be RUN:SEQ, separated by commas');
    runs.set(match[1]!, Number(match[2]));
  }
  if (runs.size > MOST_RUNS) throw badRequest(`at most ${MOST_RUNS} runs can be followed`);
  return runs;
}

/**
 * `RUN/STEP/ATTEMPT:SEQ`, the step percent-encoded once more, since its name may hold a comma or a slash;
 * `TASK//ATTEMPT:SEQ`.
 */
function followedLogs(text: string | undefined): FollowedLog[] {
  const logs = split(text).map((item): FollowedLog => {
    const match = /^([0-9a-z]{1,64})\/([^/]*)\/(\d{1,6}):(-?\d{1,12})$/.exec(item);
    if (match === null) throw badRequest('"logs" must be RUN/STEP/ATTEMPT:SEQ, separated by commas');
    return { run: match[1]!, step: decodeName(match[2]!), attempt: Number(match[3]), seq: Number(match[4]) };
  });
  if (logs.length > MOST_LOGS) throw badRequest(`at most ${MOST_LOGS} consoles can be followed`);
  return logs;
}

const split = (text: string | undefined): readonly string[] =>
  text === undefined || text === '' ? [] : text.split(',');

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest('a step in "logs" is not properly encoded');
  }
}
