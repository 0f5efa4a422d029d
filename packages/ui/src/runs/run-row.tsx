import { memo } from 'react';
import { Link } from 'wouter';
import type { RunListItem } from '@run-pipeline/core/wire';
import { runHref } from '../address/links.js';
import { useMinutes, useSeconds } from '../data/clock.js';
import { count, duration, elapsed, metric } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { BranchIcon } from '../design/icons.js';
import { Status } from '../design/status-icon.js';
import { Strip } from '../design/strip.js';
import { Ago } from '../design/time.js';
import type { Shown } from './differing.js';
import styles from './runs-table.module.css';

export const RunRow = memo(function RunRow(props: {
  readonly run: RunListItem;
  readonly parameters: readonly Shown[];
  readonly metrics: readonly string[];
  readonly withProject: boolean;
  readonly chosen: boolean;
  readonly index: number;
  readonly onChoose: (run: string) => void;
}) {
  const { run, chosen } = props;
  const now = useMinutes();
  const total = Object.values(run.counts).reduce((sum, value) => sum + value, 0);
  const name = `${run.pipeline} #${run.number}`;
  return (
    <tr
      className={cx(styles.row, chosen && styles.chosen)}
      aria-rowindex={props.index + 2}
      data-index={props.index}
    >
      <td className={styles.choose}>
        <input
          type="checkbox"
          aria-label={`Choose ${name} for comparing`}
          checked={chosen}
          onChange={() => props.onChoose(run.id)}
        />
      </td>
      <td className={styles.statusCell}>
        <Status status={run.status} />
      </td>
      <td className={styles.nameCell}>
        <div className={styles.line}>
          <Link href={runHref(run.id)} className={styles.name ?? ''} title={`${name}\n${run.id}`}>
            <span>{run.pipeline}</span> <span className={styles.number}>#{run.number}</span>
          </Link>
        </div>
        {run.error !== undefined && run.status !== 'completed' ? (
          <div className={cx(styles.below, styles.error)} title={run.error}>
            {run.error}
          </div>
        ) : (
          <div className={styles.below}>
            {props.withProject ? <span className={styles.project}>{run.project}</span> : null}
            <span title={run.source} className={styles.source}>
              {run.source}
            </span>
            {run.git === undefined ? null : (
              <span
                className={styles.commit}
                title={`${run.git.branch ?? 'detached'} at ${run.git.commit}${run.git.dirty ? ', with changes that are not committed' : ''}`}
              >
                <BranchIcon size={11} />
                {run.git.commit.slice(0, 7)}
                {run.git.dirty ? '*' : ''}
              </span>
            )}
          </div>
        )}
      </td>
      <td className={styles.parametersCell}>
        <div
          className={styles.parameters}
          title={props.parameters.map(({ name, value }) => `${name} = ${value}`).join('\n')}
        >
          {props.parameters.map(({ name, value }) => (
            <span key={name} className={styles.parameter}>
              <span className={styles.key}>{name}</span> {value}
            </span>
          ))}
        </div>
      </td>
      {props.metrics.map((name) => (
        <td key={name} className={styles.metricCell}>
          {run.metrics[name] === undefined ? (
            <span className={styles.none}>–</span>
          ) : (
            <span title={String(run.metrics[name])}>{metric(run.metrics[name])}</span>
          )}
        </td>
      ))}
      <td className={styles.stepsCell}>
        <Strip counts={run.counts} />
        <div className={styles.below}>
          {run.counts.cached > 0
            ? `${count(run.counts.cached)} / ${count(total)} cached`
            : `${count(total)} ${total === 1 ? 'step' : 'steps'}`}
        </div>
      </td>
      <td className={styles.timeCell}>
        <div>
          <Took run={run} />
        </div>
        <div className={styles.below}>
          <Ago at={run.startedAt ?? run.createdAt} now={now} />
        </div>
      </td>
    </tr>
  );
});

function Took({ run }: { readonly run: RunListItem }) {
  const goesOn = run.status === 'running' && run.startedAt !== undefined;
  const now = useSeconds(goesOn);
  if (run.startedAt === undefined) return <span className={styles.none}>–</span>;
  if (run.durationMs !== undefined) return <>{duration(run.durationMs)}</>;
  if (run.finishedAt !== undefined)
    return <>{duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt))}</>;
  return goesOn ? <>{elapsed(now - Date.parse(run.startedAt))}</> : <span className={styles.none}>–</span>;
}
