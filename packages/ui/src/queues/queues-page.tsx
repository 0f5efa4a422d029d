import { useRef } from 'react';
import { Link } from 'wouter';
import type { Agents, Queues } from '@run-pipeline/core/wire';
import { runHref, taskHref } from '../address/links.js';
import { useQueryState } from '../address/search.js';
import { useMinutes } from '../data/clock.js';
import { useFleet } from '../data/fleet.js';
import { useResource } from '../data/queries.js';
import { count, duration, many } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { Command } from '../design/copy-button.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { ChevronIcon } from '../design/icons.js';
import { Status } from '../design/status-icon.js';
import { Ago } from '../design/time.js';
import { useTitle } from '../design/title.js';
import { useRowKeys } from '../keyboard/row-keys.js';
import styles from './queues.module.css';

/** What waits where, in which order, and who takes it. */
export default function QueuesPage() {
  useTitle('Queues');
  useFleet();
  const page = useRef<HTMLDivElement>(null);
  useRowKeys(page);
  const queues = useResource('GET /api/queues', { query: undefined });
  const agents = useResource('GET /api/agents', { query: undefined });
  if (queues.isError)
    return <Failed error={queues.error} what="the queues" onRetry={() => void queues.refetch()} />;
  if (agents.isError)
    return <Failed error={agents.error} what="the agents" onRetry={() => void agents.refetch()} />;
  if (queues.data === undefined || agents.data === undefined) return <Loading what="queues" />;
  return (
    <div ref={page} className={styles.page}>
      <h1 className={styles.title}>Queues</h1>
      <QueueTable queues={queues.data.queues} />
      <h2 className={styles.title}>Agents</h2>
      {agents.data.agents.length === 0 ? (
        <EmptyState title="No agent is running" small>
          <p>Tasks wait for one; steps, too, where the queue is on Redis. To start one:</p>
          <Command
            text={`npx run-pipeline agent --queue ${queues.data.queues.find(({ waiting }) => waiting > 0)?.name ?? 'default'}`}
          />
        </EmptyState>
      ) : (
        <AgentTable agents={agents.data.agents} />
      )}
    </div>
  );
}

function QueueTable({ queues }: { readonly queues: Queues['queues'] }) {
  const [address, change] = useQueryState();
  const now = useMinutes();
  const open = address.get('queue');
  return (
    <table className={styles.table} aria-label="Queues">
      <thead>
        <tr>
          <th scope="col">Queue</th>
          <th scope="col" className={styles.number}>
            Waiting
          </th>
          <th scope="col" className={styles.number}>
            Running
          </th>
          <th scope="col" className={styles.number}>
            Agents
          </th>
          <th scope="col">Waiting longest</th>
        </tr>
      </thead>
      {queues.map((queue) => (
        <tbody key={queue.name}>
          <tr data-row>
            <td>
              <button
                type="button"
                className={styles.open}
                aria-expanded={open === queue.name}
                title={queue.name}
                onClick={() =>
                  change({ queue: open === queue.name ? undefined : queue.name }, { replace: true })
                }
              >
                <ChevronIcon size={12} className={open === queue.name ? (styles.down ?? '') : ''} />
                {queue.name}
              </button>
              <span className={queue.limits.concurrency === 0 ? styles.attention : styles.muted}>
                {limitsText(queue.limits)}
              </span>
            </td>
            <td className={styles.number}>{count(queue.waiting)}</td>
            <td className={styles.number}>{count(queue.running)}</td>
            <td className={cx(styles.number, queue.agents === 0 && queue.waiting > 0 && styles.attention)}>
              {queue.agents === 0 ? 'none' : count(queue.agents)}
            </td>
            <td>
              {queue.oldest === undefined ? (
                <span className={styles.muted}>–</span>
              ) : (
                <Ago at={queue.oldest} now={now} />
              )}
            </td>
          </tr>
          {open === queue.name ? (
            <tr>
              <td colSpan={5} className={styles.inside}>
                <QueueContents name={queue.name} />
              </td>
            </tr>
          ) : null}
        </tbody>
      ))}
    </table>
  );
}

/** Empty where there are none. */
function limitsText({ concurrency, rate }: Queues['queues'][number]['limits']): string {
  if (concurrency === 0) return ' paused';
  const parts = [
    ...(concurrency === undefined ? [] : [`at most ${count(concurrency)} at once`]),
    ...(rate === undefined ? [] : [`at most ${count(rate.max)} in ${duration(rate.perMs)}`]),
  ];
  return parts.length === 0 ? '' : ` ${parts.join(', ')}`;
}

const amountsText = (resources: Agents['agents'][number]['resources']): string =>
  Object.entries(resources)
    .map(([name, amount]) => `${name}=${amount}`)
    .join(' ');
const needsText = (resources: Agents['agents'][number]['resources']): string =>
  Object.keys(resources).length === 0 ? '' : `needs ${amountsText(resources)}`;

function QueueContents({ name }: { readonly name: string }) {
  const now = useMinutes();
  const queue = useResource(
    'GET /api/queues/:queue',
    { path: { queue: name }, query: undefined },
    { keep: true },
  );
  if (queue.isError)
    return <Failed error={queue.error} what="the queue" onRetry={() => void queue.refetch()} small />;
  if (queue.data === undefined) return <Loading what={name} />;
  const { jobs, agents } = queue.data;
  if (jobs.length === 0)
    return (
      <EmptyState title="Nothing waits" small>
        {agents.length === 0 ? 'And no agent serves it.' : `${many(agents.length, 'agent')} would take it.`}
      </EmptyState>
    );
  return (
    <ol className={styles.jobs} aria-label={`What waits in ${name}, in the order in which it will be taken`}>
      {jobs.map((job, index) => (
        <li key={`${job.task} ${job.attempt}`} data-row className={styles.job}>
          <span className={styles.muted}>{index + 1}</span>
          {job.run === undefined ? (
            <Link href={taskHref(job.task)} className={styles.name ?? ''}>
              {job.task}
            </Link>
          ) : (
            <Link href={runHref(job.run, { step: job.step })} className={styles.name ?? ''}>
              {job.step ?? 'the whole run'} of {job.run}
            </Link>
          )}
          <span className={styles.muted}>{job.kind}</span>
          <span className={styles.muted}>{job.priority === 0 ? '' : `priority ${job.priority}`}</span>
          <span className={styles.muted}>{needsText(job.resources)}</span>
          <span className={styles.muted}>{job.attempt > 1 ? `attempt ${job.attempt}` : ''}</span>
          <Ago at={job.enqueuedAt} now={now} className={styles.muted} />
        </li>
      ))}
    </ol>
  );
}

function AgentTable({ agents }: { readonly agents: Agents['agents'] }) {
  const now = useMinutes();
  return (
    <table className={styles.table} aria-label="Agents">
      <thead>
        <tr>
          <th scope="col">Agent</th>
          <th scope="col">Serves</th>
          <th scope="col">Does</th>
          <th scope="col" className={styles.number}>
            Slots
          </th>
          <th scope="col">Since</th>
        </tr>
      </thead>
      <tbody>
        {agents.map((agent) => (
          <tr key={agent.id} data-row={agent.running.length > 0 ? true : undefined}>
            <td title={agent.id}>
              {agent.host} <span className={styles.muted}>pid {agent.pid}</span>
            </td>
            <td>
              {agent.queues.join(', ')}{' '}
              <span className={styles.muted} title="what it offers">
                {amountsText(agent.resources)}
              </span>
            </td>
            <td>
              {agent.running.length === 0 ? (
                <span className={styles.muted}>{agent.draining ? 'ends when it is done' : 'waits'}</span>
              ) : (
                <ul className={styles.running}>
                  {agent.running.map((task) => (
                    <li key={task}>
                      <Link href={hrefOf(task)} className={styles.name ?? ''} title={task}>
                        {task}
                      </Link>
                    </li>
                  ))}
                </ul>
              )}
              {agent.running.length > 0 && agent.draining ? (
                <Status status="queued" note="takes nothing more" />
              ) : null}
            </td>
            <td className={styles.number}>
              {agent.running.length} of {agent.concurrency}
            </td>
            <td>
              <Ago at={agent.startedAt} now={now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** `RUN.STEP` is a step of a run. */
function hrefOf(task: string): string {
  const dot = task.indexOf('.');
  return dot < 0 ? taskHref(task) : runHref(task.slice(0, dot), { step: task.slice(dot + 1) });
}
