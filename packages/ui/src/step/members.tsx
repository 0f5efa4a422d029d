import { useMemo, useState } from 'react';
import { useStep, useVersion, type LiveRun } from '../data/live-run.js';
import { stepFilter } from '../data/step-filter.js';
import { duration } from '../design/amounts.js';
import { EmptyState } from '../design/empty-state.js';
import { Status } from '../design/status-icon.js';
import { VirtualList } from '../design/virtual-list.js';
import { Counts } from '../run-counts/counts.js';
import styles from './members.module.css';

const ROW_HEIGHT = 28;

/** The steps behind one card, with their statuses; to filter and to open. */
export function Members(props: {
  readonly live: LiveRun;
  readonly names: readonly string[];
  readonly onSelect: (step: string) => void;
  readonly tall?: boolean;
}) {
  const { live, names } = props;
  const version = useVersion(live);
  const [q, setQ] = useState('');
  const counts = useMemo(() => {
    const found = {
      created: 0,
      queued: 0,
      running: 0,
      completed: 0,
      failed: 0,
      aborted: 0,
      cached: 0,
      skipped: 0,
    };
    for (const name of names) found[live.step(name)?.status ?? 'created']++;
    return found;
  }, [version, live, names]);
  const shown = useMemo(() => {
    const filter = stepFilter(q);
    return names.filter((name) => {
      const step = live.step(name);
      return step !== undefined && filter.matches(step);
    });
  }, [version, live, names, q]);
  return (
    <div className={styles.members}>
      <Counts counts={counts} q={q} onChange={setQ} />
      {shown.length === 0 ? (
        <EmptyState title="None is like that" small />
      ) : (
        <VirtualList
          count={shown.length}
          rowHeight={ROW_HEIGHT}
          label="Steps"
          className={props.tall === true ? styles.tall : styles.list}
          row={(index) => (
            <Member key={shown[index]} live={live} name={shown[index]!} onSelect={props.onSelect} />
          )}
        />
      )}
    </div>
  );
}

function Member(props: {
  readonly live: LiveRun;
  readonly name: string;
  readonly onSelect: (step: string) => void;
}) {
  const step = useStep(props.live, props.name);
  if (step === undefined) return null;
  return (
    <li className={styles.row}>
      <button type="button" className={styles.member} onClick={() => props.onSelect(props.name)}>
        <span className={styles.name} title={props.name}>
          {props.name}
        </span>
        <Status status={step.status} />
        <span className={styles.took}>
          {step.durationMs === undefined || step.status === 'cached' || step.status === 'skipped'
            ? ''
            : duration(step.durationMs)}
        </span>
      </button>
    </li>
  );
}
