import { runId } from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import { shownStatus } from '../engine/index.js';
import { formatAge } from '../terminal/units.js';
import { usageError } from './usage-error.js';

export { shownStatus };

const MOST_CANDIDATES = 5;

/**
 * The run that a person means: `latest`, an id or a unique beginning of one, `NAME#NUMBER`. What cannot be
 * told apart is an error that lists the candidates.
 */
export async function selectRun(store: Store, text: string): Promise<RunRow> {
  if (text === 'latest') {
    const [newest] = await store.findRuns({ limit: 1 });
    if (newest === undefined) throw noRuns();
    return newest;
  }
  const numbered = /^(.+)#(\d+)$/.exec(text);
  if (numbered !== null) {
    const pipeline = numbered[1]!;
    const found = await store.findRuns({ pipeline, number: Number(numbered[2]) });
    if (found.length === 1) return found[0]!;
    if (found.length > 1) throw ambiguous(text, found);
    throw await unknown(text, await store.findRuns({ pipeline, limit: MOST_CANDIDATES }), store);
  }
  const exact = await store.getRun(runId(text));
  if (exact !== undefined) return exact;
  const found = text === '' ? [] : await store.findRuns({ idPrefix: text, limit: MOST_CANDIDATES + 1 });
  if (found.length === 1) return found[0]!;
  if (found.length > 1) throw ambiguous(text, found);
  // Ids are lower case; a person may type them otherwise.
  const lower = text.toLowerCase();
  const again = lower === text ? [] : await store.findRuns({ idPrefix: lower, limit: 2 });
  if (again.length === 1) return again[0]!;
  throw await unknown(text, await store.findRuns({ pipeline: text, limit: MOST_CANDIDATES }), store);
}

export const runName = (row: Pick<RunRow, 'pipeline' | 'number'>): string => `${row.pipeline}#${row.number}`;

export const noRuns = (): Error =>
  usageError('there are no runs yet', 'run-pipeline FILE makes the first one');

function ambiguous(text: string, found: readonly RunRow[]): Error {
  return usageError(`${text} fits several runs`, list(found.slice(0, MOST_CANDIDATES)));
}

async function unknown(text: string, near: readonly RunRow[], store: Store): Promise<Error> {
  const candidates = near.length > 0 ? near : await store.findRuns({ limit: MOST_CANDIDATES });
  return candidates.length === 0 ? noRuns() : usageError(`there is no run ${text}`, list(candidates));
}

function list(rows: readonly RunRow[]): string {
  const now = Date.now();
  const lines = rows.map(
    (row) => `${row.id}  ${runName(row)} ${shownStatus(row)} ${formatAge(now - Date.parse(row.createdAt))}`,
  );
  return ['one of:', ...lines.map((line) => `  ${line}`)].join('\n');
}
