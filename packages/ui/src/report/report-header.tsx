import { duration, metric, plainValue } from '../design/amounts.js';
import { BranchIcon } from '../design/icons.js';
import { Status } from '../design/status-icon.js';
import { Strip } from '../design/strip.js';
import { absolute } from '../design/time.js';
import { useReportedRun } from './reported-run.js';
import styles from './report.module.css';

/** Which run, how it ended, from what and with what. */
export function ReportHeader() {
  const { run } = useReportedRun();
  const { view, data } = run;
  const { item } = data.run;
  const parameters = Object.entries(view.parameters);
  const metrics = Object.entries(item.metrics);
  return (
    <header className={styles.header}>
      <div className={styles.first}>
        <h1 className={styles.title}>
          <span className={styles.project}>{view.project || item.project} / </span>
          {view.pipeline || item.pipeline}
          <span className={styles.project}> #{view.number || item.number}</span>
        </h1>
        <Status status={view.status} />
        {view.durationMs === undefined ? null : (
          <span className={styles.muted}>{duration(view.durationMs)}</span>
        )}
      </div>
      <div className={styles.second}>
        <Strip counts={view.counts} width={160} />
        <time dateTime={view.startedAt ?? data.run.createdAt}>
          {absolute(view.startedAt ?? data.run.createdAt)}
        </time>
        {item.source === '' ? null : <span>{item.source}</span>}
        {item.git === undefined ? null : (
          <span className={styles.commit} title={item.git.commit}>
            <BranchIcon size={12} />
            {item.git.branch ?? 'detached at'} <code>{item.git.commit.slice(0, 7)}</code>
            {item.git.dirty === true ? ' + changes' : ''}
          </span>
        )}
        {view.version === '' ? null : <span>version {view.version}</span>}
        {item.parent === undefined ? null : <span>from run {run.nameOf(item.parent)}</span>}
        {data.run.host === undefined ? null : <span>on {data.run.host}</span>}
      </div>
      {parameters.length + metrics.length === 0 ? null : (
        <dl className={styles.values}>
          {parameters.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{plainValue(value)}</dd>
            </div>
          ))}
          {metrics.map(([name, value]) => (
            <div key={name} className={styles.metric}>
              <dt>{name}</dt>
              <dd title={String(value)}>{metric(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </header>
  );
}
