import { runId, type RunId } from '@run-pipeline/core/model';
import type { RunList, RunListItem, RunListQuery } from '@run-pipeline/core/wire';
import type { ServerContext } from '../server-context.js';
import { readRunQuery } from './run-query.js';

const DEFAULT_LIMIT = 50;
/** Runs looked at in one go. */
const PAGE = 250;
/** How long one answer goes on looking for runs that fit. */
const PATIENCE_MS = 200;

export async function listRuns(context: ServerContext, query: RunListQuery): Promise<RunList> {
  const { store } = context.project;
  const filter = readRunQuery(query.q ?? '');
  const limit = query.limit ?? DEFAULT_LIMIT;
  const { runs, next } = await find(context, {
    ...filter,
    project: query.project,
    cursor: query.cursor,
    limit,
  });
  const counts = await store.countRuns();
  context.items.warm();
  return {
    runs,
    ...(next === undefined ? {} : { next }),
    total: counts.reduce((sum, each) => sum + each.runs, 0),
    projects: [...new Set(counts.map(({ project }) => project))],
    names: context.items.names(),
    problems: filter.problems,
  };
}

async function find(
  context: ServerContext,
  query: Pick<ReturnType<typeof readRunQuery>, 'status' | 'fits'> & {
    readonly project: string | undefined;
    readonly cursor: string | undefined;
    readonly limit: number;
  },
): Promise<{ readonly runs: readonly RunListItem[]; readonly next?: RunId }> {
  const { status, fits, project, limit } = query;
  const until = performance.now() + PATIENCE_MS;
  const runs: RunListItem[] = [];
  let last = query.cursor === undefined ? undefined : runId(query.cursor);
  for (;;) {
    // One more than is wanted tells whether there are more.
    const size = fits === undefined ? limit + 1 : PAGE;
    const rows = await context.project.store.findRuns({
      limit: size,
      ...(status === undefined ? {} : { status }),
      ...(project === undefined ? {} : { project }),
      ...(last === undefined ? {} : { before: last }),
    });
    const items = await context.items.of(fits === undefined ? rows.slice(0, limit) : rows);
    for (const [index, item] of items.entries()) {
      if (runs.length === limit) return { runs, next: last! };
      if (fits === undefined || fits(item)) runs.push(item);
      last = rows[index]!.id;
    }
    if (rows.length < size) return { runs };
    if (runs.length === limit || performance.now() > until) return { runs, next: last! };
    await new Promise((next) => setImmediate(next));
  }
}
