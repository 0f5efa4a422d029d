import { useCallback, useMemo, useRef } from 'react';
import { useInfiniteQuery, keepPreviousData } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { TaskItem } from '@run-pipeline/core/wire';
import { taskHref } from '../address/links.js';
import { useQueryState } from '../address/search.js';
import { ask } from '../data/api.js';
import { useMinutes } from '../data/clock.js';
import { useFleet } from '../data/fleet.js';
import { Button } from '../design/button.js';
import { Command } from '../design/copy-button.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { STEP_STATUSES } from '../design/status.js';
import { Status } from '../design/status-icon.js';
import { Ago } from '../design/time.js';
import { useTitle } from '../design/title.js';
import { useRowKeys } from '../keyboard/row-keys.js';
import { QueryBar } from '../query/query-bar.js';
import styles from './tasks.module.css';

/** Tasks of their own: scripts that were run or left for agents, templates, controllers. */
export default function TasksPage() {
  useTitle('Tasks');
  useFleet();
  const [address, change] = useQueryState();
  const q = address.get('q') ?? '';
  const list = useInfiniteQuery({
    queryKey: ['GET /api/tasks', q],
    queryFn: ({ pageParam, signal }) =>
      ask('GET /api/tasks', {
        query: { q, limit: 100, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
  });
  const tasks = useMemo(() => list.data?.pages.flatMap((page) => page.tasks) ?? [], [list.data]);
  const known = useMemo(
    () => ({
      statuses: [...STEP_STATUSES, 'published'],
      projects: [...new Set(tasks.map(({ project }) => project))],
      parameters: [],
      metrics: [],
    }),
    [tasks],
  );
  const scroller = useRef<HTMLDivElement>(null);
  useRowKeys(scroller);
  const setQuery = useCallback((text: string) => change({ q: text }, { replace: true }), [change]);
  if (list.isError) return <Failed error={list.error} what="the tasks" onRetry={() => void list.refetch()} />;
  if (list.data === undefined) return <Loading what="tasks" />;
  if (tasks.length === 0 && q === '')
    return (
      <EmptyState title="There are no tasks of their own yet" whole>
        <p>
          Steps of pipelines are on the pages of their runs. A script becomes a task by Task.init, or with:
        </p>
        <Command text="npx run-pipeline task create script.ts" />
      </EmptyState>
    );
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1 className={styles.title}>Tasks</h1>
        <QueryBar
          value={q}
          onChange={setQuery}
          label="Filter the tasks"
          placeholder="status:queued  tag:nightly  text"
          known={known}
        />
      </header>
      {tasks.length === 0 ? (
        <EmptyState title="No task is like that" live>
          <Button onClick={() => change({ q: undefined })}>Clear the filter</Button>
        </EmptyState>
      ) : (
        <div ref={scroller} className={styles.scroller}>
          <table className={styles.table} aria-label="Tasks">
            <thead>
              <tr>
                <th scope="col" className={styles.status}>
                  Status
                </th>
                <th scope="col">Task</th>
                <th scope="col" className={styles.project}>
                  Project
                </th>
                <th scope="col" className={styles.narrow}>
                  Type
                </th>
                <th scope="col" className={styles.tags}>
                  Tags
                </th>
                <th scope="col" className={styles.narrow}>
                  Queue
                </th>
                <th scope="col" className={styles.time}>
                  Created
                </th>
              </tr>
            </thead>
            <tbody>
              {tasks.map((task) => (
                <Row key={task.id} task={task} />
              ))}
            </tbody>
          </table>
          {list.hasNextPage ? (
            <p className={styles.more}>
              <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Show more
              </Button>
            </p>
          ) : null}
        </div>
      )}
    </div>
  );
}

function Row({ task }: { readonly task: TaskItem }) {
  const now = useMinutes();
  return (
    <tr data-row>
      <td className={styles.status}>
        <Status
          status={task.status}
          {...(task.status === 'running' && task.leaseExpired ? { note: '(not heard of)' } : {})}
        />
      </td>
      <td>
        <Link href={taskHref(task.id)} className={styles.name ?? ''} title={`${task.name}\n${task.id}`}>
          {task.name}
        </Link>
        {task.error === undefined ? null : (
          <span className={styles.error} title={task.error.message}>
            {' '}
            {task.error.message}
          </span>
        )}
      </td>
      <td title={task.project}>{task.project}</td>
      <td>{task.type}</td>
      <td title={task.tags.join(', ')}>{task.tags.join(', ')}</td>
      <td title={task.queue}>{task.status === 'queued' ? task.queue : ''}</td>
      <td className={styles.time}>
        <Ago at={task.createdAt} now={now} />
      </td>
    </tr>
  );
}
