import { runId } from '@run-pipeline/core/model';
import type { RunList, RunListQuery } from '@run-pipeline/core/wire';
import type { ServerContext } from './server-context.js';

const DEFAULT_LIMIT = 50;

export async function listRuns(context: ServerContext, query: RunListQuery): Promise<RunList> {
  const { store } = context.project;
  const limit = query.limit ?? DEFAULT_LIMIT;
  const rows = await store.findRuns({
    limit: limit + 1,
    ...(query.project === undefined ? {} : { project: query.project }),
    ...(query.cursor === undefined ? {} : { before: runId(query.cursor) }),
  });
  const shown = rows.slice(0, limit);
  const items = await context.items.of(shown);
  const counts = await store.countRuns();
  const last = shown.at(-1);
  return {
    runs: items,
    ...(rows.length > limit && last !== undefined ? { next: last.id } : {}),
    total: counts.reduce((sum, { runs }) => sum + runs, 0),
    projects: [...new Set(counts.map(({ project }) => project))],
    names: namesOf(items),
    problems: [],
  };
}

function namesOf(items: RunList['runs']): RunList['names'] {
  const parameters = new Set<string>();
  const metrics = new Set<string>();
  for (const item of items) {
    for (const name of Object.keys(item.parameters)) parameters.add(name);
    for (const name of Object.keys(item.metrics)) metrics.add(name);
  }
  return { parameters: [...parameters].sort(), metrics: [...metrics].sort() };
}
