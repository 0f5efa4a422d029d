import { useMemo, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { TaskDetails, TaskItem } from '@run-pipeline/core/wire';
import { runHref, taskHref, tasksHref } from '../address/links.js';
import { oneOf, useQueryState } from '../address/search.js';
import { ArtifactList } from '../artifacts/artifact-list.js';
import type { LogSource } from '../console/console-log.js';
import { ConsoleView } from '../console/console-view.js';
import { ask, Refused } from '../data/api.js';
import { useSeconds } from '../data/clock.js';
import { useFleet } from '../data/fleet.js';
import { useAction, useResource, useSession } from '../data/queries.js';
import { duration, elapsed } from '../design/amounts.js';
import { Button } from '../design/button.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { ErrorRecordView } from '../design/error-record.js';
import { Facts, Section } from '../design/facts.js';
import { Failed } from '../design/failed.js';
import { useNotice } from '../design/notice.js';
import { Status } from '../design/status-icon.js';
import { Tabs, tabId, type Tab } from '../design/tabs.js';
import { At } from '../design/time.js';
import { useTitle } from '../design/title.js';
import { useKeys } from '../keyboard/keys.js';
import { ReportsView } from '../plots/reports-view.js';
import styles from './tasks.module.css';

const TABS = ['info', 'artifacts', 'console', 'plots'] as const;
type TabName = (typeof TABS)[number];
const PANEL = 'task-tab';

/** A task of its own: what it takes, what it gave, what it wrote, and what can be done with it. */
export default function TaskPage({ task: id }: { readonly task: string }) {
  useFleet();
  const query = useResource('GET /api/tasks/:task', { path: { task: id }, query: undefined });
  useTitle(query.data?.task.name ?? 'Task');
  if (query.isError) {
    if (query.error instanceof Refused && query.error.status === 404)
      return (
        <EmptyState title="There is no such task" live whole>
          {id.includes('.') ? (
            // RUN.STEP: a step that calls a function has no record of its own.
            <Link href={runHref(id.slice(0, id.indexOf('.')), { step: id.slice(id.indexOf('.') + 1) })}>
              The step of its run
            </Link>
          ) : null}
          <Link href={tasksHref()}>All tasks</Link>
        </EmptyState>
      );
    return <Failed error={query.error} what="the task" onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="the task" />;
  return <Known details={query.data} />;
}

function Known({ details }: { readonly details: TaskDetails }) {
  const { task } = details;
  const [address, change] = useQueryState();
  const tab = oneOf(TABS, address.get('tab'));
  const show = (next: TabName): void =>
    change({ tab: next === 'info' ? undefined : next, artifact: undefined, line: undefined });
  useKeys(Object.fromEntries(TABS.map((name, index) => [String(index + 1), () => show(name)])));
  const tabs: readonly Tab<TabName>[] = [
    { id: 'info', label: 'Info' },
    { id: 'artifacts', label: 'Artifacts', count: details.artifacts.length || undefined },
    { id: 'console', label: 'Console' },
    { id: 'plots', label: 'Plots', count: details.reports.length || undefined },
  ];
  const now = useSeconds(task.status === 'running');
  const { run, step, attempt } = task;
  const source = useMemo(
    (): LogSource => ({
      key: `task ${task.id} ${attempt}`,
      read: (query, signal) =>
        ask('GET /api/tasks/:task/logs', { path: { task: task.id }, query: { ...query, attempt }, signal }),
      // What a step prints is told by its run.
      follow:
        run === undefined || step === undefined
          ? { run: task.id, step: '', attempt }
          : { run, step, attempt },
    }),
    [task.id, run, step, attempt],
  );
  return (
    <div className={styles.page}>
      <header className={styles.taskHead}>
        <h1 className={styles.taskName} title={task.name}>
          <span className={styles.muted}>{task.project} / </span>
          {task.name}
        </h1>
        <Status status={task.status} />
        <span className={styles.muted}>
          {task.startedAt === undefined
            ? ''
            : task.finishedAt === undefined
              ? task.status === 'running'
                ? elapsed(now - Date.parse(task.startedAt))
                : ''
              : duration(Date.parse(task.finishedAt) - Date.parse(task.startedAt))}
          {task.progress === undefined ? '' : ` · ${task.progress} %`}
        </span>
        <Actions task={task} />
      </header>
      <Tabs label="About the task" tabs={tabs} selected={tab} onSelect={show} panel={PANEL} />
      <div
        id={PANEL}
        role="tabpanel"
        aria-labelledby={tabId(PANEL, tab)}
        tabIndex={0}
        className={styles.content}
      >
        <h2 className={styles.hidden}>{tabs.find(({ id }) => id === tab)?.label}</h2>
        {tab === 'info' ? (
          <Info details={details} />
        ) : tab === 'artifacts' ? (
          <ArtifactList
            artifacts={details.artifacts}
            none={task.finishedAt === undefined ? 'None yet' : 'It uploaded none'}
          />
        ) : tab === 'console' ? (
          <ConsoleView
            source={source}
            goesOn={task.status === 'running'}
            none={<EmptyState title={task.attempt === 0 ? 'It has not run yet' : 'It wrote nothing'} small />}
          />
        ) : details.reports.length === 0 ? (
          <EmptyState title="It reported nothing" small />
        ) : (
          <ReportsView reports={details.reports} sync={task.id} />
        )}
      </div>
    </div>
  );
}

function Info({ details }: { readonly details: TaskDetails }) {
  const { task } = details;
  const sections = [...new Set(task.parameters.map(({ section }) => section))];
  return (
    <div className={styles.info}>
      {task.error === undefined ? null : (
        <div className={styles.failure}>
          <ErrorRecordView error={task.error} />
        </div>
      )}
      {sections.map((section) => (
        <Section key={section} title={section}>
          <Facts
            facts={task.parameters
              .filter((parameter) => parameter.section === section)
              .map(({ name, value }) => [name, <code key={name}>{value}</code>] as const)}
          />
        </Section>
      ))}
      {task.configurations.map(({ name, value }) => (
        <Section key={name} title={name}>
          <pre className={styles.configuration} tabIndex={0} aria-label={name}>
            {value}
          </pre>
        </Section>
      ))}
      <Section title="This task">
        <Facts
          facts={[
            ['id', <code key="id">{task.id}</code>],
            ['type', task.type],
            ['tags', task.tags.join(', ')],
            ['comment', task.comment],
            ['script', task.script?.file],
            [
              'commit',
              task.script?.git === undefined
                ? undefined
                : `${task.script.git.commit.slice(0, 10)}${task.script.git.dirty ? ' with changes' : ''}`,
            ],
            ['node', task.script?.node],
            ['created', <At key="created" at={task.createdAt} />],
            ['started', task.startedAt === undefined ? undefined : <At at={task.startedAt} />],
            ['ended', task.finishedAt === undefined ? undefined : <At at={task.finishedAt} />],
            ['attempts', task.attempt === 0 ? undefined : String(task.attempt)],
            ['queue', task.queue],
            ['priority', task.priority === 0 ? undefined : String(task.priority)],
            [
              'cloned from',
              task.parent === undefined ? undefined : <Link href={taskHref(task.parent)}>{task.parent}</Link>,
            ],
            [
              'run',
              task.run === undefined ? undefined : (
                <Link href={runHref(task.run, { step: task.step })}>
                  {task.step === undefined ? task.run : `${task.step} of ${task.run}`}
                </Link>
              ),
            ],
          ]}
        />
      </Section>
      {details.children.length === 0 ? null : (
        <Section title="Cloned from it">
          <ul className={styles.children}>
            {details.children.map((child) => (
              <li key={child.id}>
                <Link href={taskHref(child.id)}>{child.name}</Link> <Status status={child.status} />
              </li>
            ))}
          </ul>
        </Section>
      )}
    </div>
  );
}

/** Statuses from which a task can go into a queue. */
const STARTABLE = new Set(['created', 'failed', 'aborted']);

function Actions({ task }: { readonly task: TaskItem }) {
  const [, navigate] = useLocation();
  const notify = useNotice();
  const session = useSession();
  const queues = useResource('GET /api/queues', { query: undefined });
  const [queue, setQueue] = useState('default');
  const enqueue = useAction('POST /api/tasks/:task/enqueue');
  const clone = useAction('POST /api/tasks/:task/clone');
  const abort = useAction('POST /api/tasks/:task/abort');
  const path = { task: task.id };
  const disabled = session.data?.actions === false;
  const onError = (error: Error): void => notify(error.message);
  return (
    <div className={styles.actions}>
      {STARTABLE.has(task.status) && task.script !== undefined ? (
        <>
          <select
            aria-label="Queue"
            className={styles.select}
            value={queue}
            onChange={({ target }) => setQueue(target.value)}
          >
            {(queues.data?.queues ?? [{ name: 'default' }]).map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <Button
            kind="primary"
            disabled={disabled || enqueue.isPending}
            onClick={() =>
              enqueue.mutate(
                { path, body: { queue } },
                { onSuccess: ({ notice }) => notify(notice ?? `It waits in ${queue}.`), onError },
              )
            }
          >
            Enqueue
          </Button>
        </>
      ) : null}
      {task.status === 'running' || task.status === 'queued' ? (
        <Button
          kind="danger"
          disabled={disabled || abort.isPending}
          onClick={() =>
            abort.mutate({ path, body: {} }, { onSuccess: ({ message }) => notify(message), onError })
          }
        >
          Abort
        </Button>
      ) : null}
      <Button
        disabled={disabled || clone.isPending}
        onClick={() =>
          clone.mutate({ path, body: {} }, { onSuccess: (made) => navigate(taskHref(made.task)), onError })
        }
      >
        Clone
      </Button>
    </div>
  );
}
