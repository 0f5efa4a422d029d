import { useCallback, useRef } from 'react';
import { useQueryClient, type InfiniteData } from '@tanstack/react-query';
import type { RunList, RunListItem, StreamMessage } from '@run-pipeline/core/wire';
import { useStream } from '../data/stream/index.js';

/** Reading a filtered list again, at most so often. */
const REFRESH_MS = 1000;

/** Keeps the lists of runs up to date: lines in place, new ones on top, filters asked again. */
export function useLiveList(): void {
  const client = useQueryClient();
  const refreshing = useRef(false);
  const refresh = useCallback(() => {
    if (refreshing.current) return;
    refreshing.current = true;
    setTimeout(() => {
      refreshing.current = false;
      void client.invalidateQueries({ queryKey: ['GET /api/runs'] });
    }, REFRESH_MS);
  }, [client]);
  const hear = useCallback(
    (message: StreamMessage) => {
      if (message.type !== 'runs') return;
      let filtered = false;
      const queries = client.getQueriesData<InfiniteData<RunList>>({ queryKey: ['GET /api/runs'] });
      for (const [key, data] of queries) {
        if (data === undefined || !('pages' in data)) continue;
        const query = key[1] as { readonly q: string; readonly project?: string };
        filtered ||= query.q !== '';
        client.setQueryData(key, merge(data, message.changed, { total: message.total, ...query }));
      }
      if (filtered) refresh();
    },
    [client, refresh],
  );
  useStream(LIST, hear);
}

const LIST = { list: true };

function merge(
  data: InfiniteData<RunList>,
  changed: readonly RunListItem[],
  of: { readonly q: string; readonly project?: string; readonly total: number },
): InfiniteData<RunList> {
  const byId = new Map(changed.map((run) => [run.id, run]));
  const pages = data.pages.map((page) => ({
    ...page,
    total: of.total,
    runs: page.runs.map((run) => {
      const now = byId.get(run.id);
      byId.delete(run.id);
      return now ?? run;
    }),
  }));
  const first = pages[0];
  // Whether a new run passes a filter is the server's to say.
  const fresh =
    of.q === ''
      ? [...byId.values()].filter(
          (run) => isNewer(run, first?.runs[0]) && (of.project === undefined || run.project === of.project),
        )
      : [];
  if (first !== undefined && fresh.length > 0)
    pages[0] = {
      ...first,
      runs: [...fresh.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)), ...first.runs],
    };
  return { ...data, pages };
}

const isNewer = (run: RunListItem, than: RunListItem | undefined): boolean =>
  than === undefined || run.createdAt >= than.createdAt;
