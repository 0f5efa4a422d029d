/** Addresses of the page's screens. All state of a screen is in its address. */
export const VIEWS = ['graph', 'timeline', 'table'] as const;
export type View = (typeof VIEWS)[number];

export const TABS = ['info', 'inputs', 'artifacts', 'console', 'code', 'plots', 'why', 'packages'] as const;
export type TabId = (typeof TABS)[number];

const withQuery = (path: string, query: Readonly<Record<string, string | undefined>>): string => {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') text.set(name, value);
  return text.size === 0 ? path : `${path}?${text}`;
};

export const runsHref = (
  query: { readonly project?: string | undefined; readonly q?: string } = {},
): string =>
  withQuery(query.project === undefined ? '/' : `/p/${encodeURIComponent(query.project)}`, { q: query.q });

export interface RunPlace {
  readonly view?: View | undefined;
  readonly step?: string | undefined;
  readonly tab?: TabId | undefined;
  readonly attempt?: string | undefined;
  readonly q?: string | undefined;
  readonly artifact?: string | undefined;
}

export const runHref = (run: string, place: RunPlace = {}): string =>
  withQuery(`/runs/${encodeURIComponent(run)}`, { ...place });

export const rerunHref = (
  run: string,
  query: { readonly from?: string; readonly only?: string } = {},
): string => withQuery(`/runs/${encodeURIComponent(run)}/rerun`, query);

export const compareHref = (runs: readonly string[], base?: string): string =>
  withQuery('/compare', { runs: runs.join(','), base });

export const tasksHref = (query: { readonly q?: string } = {}): string => withQuery('/tasks', query);
export const taskHref = (task: string): string => `/tasks/${encodeURIComponent(task)}`;
export const queuesHref = (): string => '/queues';
