import { rootFailures, type RootFailure, type RunView } from '@run-pipeline/core/run-view';
import { many } from '../design/amounts.js';
import { ErrorRecordView } from '../design/error-record.js';
import { StatusIcon } from '../design/status-icon.js';
import { StepAnchor } from './step-anchor.js';
import { useReportedRun } from './reported-run.js';
import styles from './report.module.css';

export const firstFailure = (view: RunView): RootFailure | undefined => rootFailures(view)[0];

/** Where it began to go wrong, with the lines of code. */
export function ReportFailure() {
  const { view } = useReportedRun().run;
  const [root, ...others] = rootFailures(view);
  if (root === undefined)
    return view.error === undefined ? null : (
      <section className={styles.failure} aria-label="Why the run ended">
        <p className={styles.failureLine}>
          <StatusIcon status={view.status} />
          <b>The run {view.status === 'aborted' ? 'was aborted' : 'failed'}</b>
        </p>
        <ErrorRecordView error={view.error} />
      </section>
    );
  const { step, skipped } = root;
  return (
    <section className={styles.failure} aria-label="The first failure">
      <p className={styles.failureLine}>
        <StepAnchor name={step.name} />
        <span>
          <b>{step.status === 'aborted' ? 'timed out' : 'failed'}</b>
          {skipped === 0 ? '' : ` · ${many(skipped, 'step')} skipped because of it`}
          {others.length === 0 ? '' : ` · ${many(others.length, 'other failure')}`}
        </span>
      </p>
      {step.error === undefined ? null : <ErrorRecordView error={step.error} brief />}
    </section>
  );
}
