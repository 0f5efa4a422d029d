import type { StepView } from '@run-pipeline/core/run-view';
import { count, duration } from '../design/amounts.js';
import { Status } from '../design/status-icon.js';
import { StepDetails } from './step-details.js';
import { useReportedRun } from './reported-run.js';
import styles from './report.module.css';

/** A step as one line that opens. What is inside is made when it is opened first: a run may have thousands. */
export function StepEntry(props: {
  readonly step: StepView;
  readonly opened: boolean;
  readonly onOpened: (step: string, opened: boolean) => void;
}) {
  const { step, opened } = props;
  const { run } = useReportedRun();
  const took = step.status === 'cached' || step.status === 'skipped' ? undefined : step.durationMs;
  return (
    <li>
      <details
        id={run.idOf(step.name)}
        className={styles.entry}
        open={opened}
        onToggle={({ currentTarget }) => props.onOpened(step.name, currentTarget.open)}
      >
        <summary className={styles.summary}>
          <span className={step.of === undefined ? styles.name : styles.element}>{step.name}</span>
          <Status status={step.status} />
          <span className={styles.number}>{took === undefined ? '' : duration(took)}</span>
          <span className={styles.number}>{step.attempts === 0 ? '' : count(step.attempts)}</span>
          <span className={styles.reason}>{step.error?.message ?? step.why[0] ?? ''}</span>
        </summary>
        {opened ? <StepDetails step={step} /> : null}
      </details>
    </li>
  );
}
