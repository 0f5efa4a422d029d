import { useCallback, useMemo } from 'react';
import { Link, useLocation } from 'wouter';
import { compareHref, runsHref } from '../address/links.js';
import { useQueryState } from '../address/search.js';
import { useRunList } from '../data/queries.js';
import { count, many } from '../design/amounts.js';
import { Button, buttonClass } from '../design/button.js';
import { cx } from '../design/class-names.js';
import { Command } from '../design/copy-button.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { CompareIcon } from '../design/icons.js';
import { RUN_STATUSES } from '../design/status.js';
import { StatusIcon } from '../design/status-icon.js';
import { useTitle } from '../design/title.js';
import { useKeys } from '../keyboard/keys.js';
import { commonMetrics, differingParameters } from './differing.js';
import { useLiveList } from './live-list.js';
import { MetricsMenu } from './metrics-menu.js';
import { QueryBar } from '../query/query-bar.js';
import { hasWord, toggleWord } from '../query/query-words.js';
import { RunsTable } from './runs-table.js';
import styles from './runs-page.module.css';

const MOST_COMPARED = 20;

/** All runs, or those of one project: newest first, filtered by the query bar, to open or to compare. */
export function RunsPage({ project }: { readonly project?: string }) {
  const [address, change] = useQueryState();
  const [, navigate] = useLocation();
  const q = address.get('q') ?? '';
  const chosen = useMemo(() => (address.get('chosen') ?? '').split(',').filter((id) => id !== ''), [address]);
  useTitle(project ?? 'Runs');
  useLiveList();
  const list = useRunList({ q, project });
  const first = list.data?.pages[0];
  const runs = useMemo(() => list.data?.pages.flatMap((page) => page.runs) ?? [], [list.data]);
  const parameters = useMemo(() => differingParameters(runs), [runs]);
  const chosenMetrics = address.get('metrics');
  const metrics = useMemo(
    () =>
      chosenMetrics === null
        ? commonMetrics(runs, 2)
        : chosenMetrics.split(',').filter((name) => name !== ''),
    [chosenMetrics, runs],
  );
  const setQuery = useCallback((text: string) => change({ q: text }, { replace: true }), [change]);
  const choose = useCallback(
    (run: string) => {
      const next = chosen.includes(run)
        ? chosen.filter((id) => id !== run)
        : [...chosen, run].slice(-MOST_COMPARED);
      change({ chosen: next.join(',') }, { replace: true });
    },
    [chosen, change],
  );
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const readMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  useKeys({
    c: () => {
      if (chosen.length >= 2) navigate(compareHref(chosen));
    },
  });

  if (list.isError) return <Failed error={list.error} what="the runs" onRetry={() => void list.refetch()} />;
  if (first === undefined) return <Loading what="runs" />;
  if (first.total === 0) return <NoRuns />;
  const known = {
    statuses: RUN_STATUSES,
    projects: project === undefined ? first.projects : [],
    parameters: first.names.parameters,
    metrics: first.names.metrics,
  };
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1 className={styles.title}>Runs</h1>
        {first.projects.length > 1 || project !== undefined ? (
          <select
            className={styles.select}
            aria-label="Project"
            value={project ?? ''}
            onChange={({ target }) =>
              navigate(runsHref({ project: target.value === '' ? undefined : target.value, q }))
            }
          >
            <option value="">All projects</option>
            {[...new Set([...first.projects, ...(project === undefined ? [] : [project])])].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        ) : null}
        <QueryBar
          value={q}
          onChange={setQuery}
          label="Filter the runs"
          placeholder="status:failed  lr<0.01  text"
          known={known}
        />
        <div className={styles.statuses} role="group" aria-label="Only with status">
          {RUN_STATUSES.map((status) => (
            <button
              key={status}
              type="button"
              aria-pressed={hasWord(q, `status:${status}`)}
              className={cx(styles.status, hasWord(q, `status:${status}`) && styles.pressed)}
              title={`Only ${status} runs`}
              onClick={() => change({ q: toggleWord(q, `status:${status}`) })}
            >
              <StatusIcon status={status} size={13} />
              <span>{status}</span>
            </button>
          ))}
        </div>
        <div className={styles.end}>
          <MetricsMenu
            names={first.names.metrics}
            shown={metrics}
            onChange={(shown) =>
              change({ metrics: shown.length === 0 ? ',' : shown.join(',') }, { replace: true })
            }
          />
          {chosen.length === 0 ? null : (
            <Button kind="quiet" onClick={() => change({ chosen: undefined }, { replace: true })}>
              Clear
            </Button>
          )}
          {chosen.length >= 2 ? (
            <Link href={compareHref(chosen)} className={buttonClass('primary')}>
              <CompareIcon size={14} />
              Compare {chosen.length}
            </Link>
          ) : (
            <Button disabled title="Choose 2 to 20 runs by their boxes">
              <CompareIcon size={14} />
              Compare
            </Button>
          )}
        </div>
      </header>
      {first.problems.length === 0 ? null : (
        <ul className={styles.problems} role="status">
          {first.problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
      {runs.length === 0 ? (
        <EmptyState title="No run is like that" live>
          <p>
            {q === ''
              ? `There are none in the project ${project ?? ''}.`
              : `${many(first.total, 'run')} in all; the filter leaves none of them.`}
          </p>
          {q === '' ? (
            <Link href="/">All projects</Link>
          ) : (
            <Button onClick={() => change({ q: undefined })}>Clear the filter</Button>
          )}
        </EmptyState>
      ) : (
        <RunsTable
          runs={runs}
          total={first.total}
          parameters={parameters}
          metrics={metrics}
          withProject={project === undefined && first.projects.length > 1}
          chosen={chosen}
          onChoose={choose}
          onEnd={readMore}
          foot={
            <p className={styles.foot} role="status">
              {isFetchingNextPage
                ? 'Loading more…'
                : hasNextPage
                  ? ''
                  : `${many(runs.length, 'run')}${q === '' ? '' : ` of ${count(first.total)}`}`}
            </p>
          }
        />
      )}
    </div>
  );
}

function NoRuns() {
  return (
    <EmptyState title="Nothing has run here yet" whole>
      <p>Run a pipeline in a terminal; it appears here while it runs.</p>
      <Command text="npx run-pipeline pipeline.ts" />
      <p>No pipeline yet? This writes one to begin with:</p>
      <Command text="npx run-pipeline init" />
    </EmptyState>
  );
}
