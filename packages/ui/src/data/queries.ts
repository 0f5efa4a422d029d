import {
  QueryClient,
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
} from '@tanstack/react-query';
import type { Route } from '@run-pipeline/core/wire';
import { ask, Refused, type Asked, type Reply } from './api.js';
import { setServerTime } from './clock.js';
import { LiveRun } from './live-run.js';

/** Snapshots are kept until the stream says that they changed; nothing is asked for on a timer. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // A server that was started again answers at once; a refusal stays one.
      retry: (failures, error) => !(error instanceof Refused) && failures < 2,
      retryDelay: 300,
    },
  },
});

/** Reads one resource. `asked` undefined: not yet. */
export function useResource<R extends Route>(
  route: R,
  asked: Asked<R> | undefined,
  options: { readonly staleTime?: number; readonly keep?: boolean } = {},
) {
  return useQuery<Reply<R>, Error>({
    queryKey: [route, asked?.path ?? null, asked?.query ?? null],
    queryFn: ({ signal }) => ask(route, { ...(asked as Asked<R>), signal }),
    enabled: asked !== undefined,
    ...(options.staleTime === undefined ? {} : { staleTime: options.staleTime }),
    ...(options.keep === true ? { placeholderData: keepPreviousData } : {}),
  });
}

export function useSession() {
  return useQuery({
    queryKey: ['GET /api/session'],
    queryFn: async ({ signal }) => {
      const session = await ask('GET /api/session', { signal });
      setServerTime(session.now);
      return session;
    },
    staleTime: Infinity,
  });
}

/** A run: its snapshot, kept up to date by events as long as a screen follows it. */
export function useRun(id: string) {
  return useQuery({
    queryKey: ['live-run', id],
    queryFn: async ({ signal }) =>
      new LiveRun(await ask('GET /api/runs/:run', { path: { run: id }, signal })),
    staleTime: Infinity,
    // It holds a mutable view: comparing it deeply would cost more than it is worth, and mean nothing.
    structuralSharing: false,
  });
}

export const PAGE_SIZE = 50;

export function useRunList(query: { readonly q: string; readonly project?: string | undefined }) {
  return useInfiniteQuery({
    queryKey: ['GET /api/runs', query],
    queryFn: ({ pageParam, signal }) =>
      ask('GET /api/runs', {
        query: {
          q: query.q,
          ...(query.project === undefined ? {} : { project: query.project }),
          ...(pageParam === undefined ? {} : { cursor: pageParam }),
          limit: PAGE_SIZE,
        },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    staleTime: 2000,
  });
}

/** An action: POST, with what the server says about it. */
export function useAction<R extends Route & `POST ${string}`>(route: R) {
  return useMutation<Reply<R>, Error, Asked<R>>({ mutationFn: (asked) => ask(route, asked) });
}
