import { runId } from '@run-pipeline/core/model';
import type { RunNames } from '@run-pipeline/core/wire';
import type { ServerContext } from '../server-context.js';

const MOST = 200;

/** What runs are called that are known by their id: where a cached result is from. */
export async function runNames({ project }: ServerContext, ids: Iterable<string>): Promise<RunNames> {
  const wanted = [...new Set(ids)].slice(0, MOST);
  const rows = await Promise.all(wanted.map((id) => project.store.getRun(runId(id))));
  return {
    names: rows.flatMap((row) =>
      row === undefined ? [] : [{ id: row.id, pipeline: row.pipeline, number: row.number }],
    ),
  };
}
