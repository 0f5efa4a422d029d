import { rootFailures } from '@run-pipeline/core/run-view';
import type { LiveRun } from '../data/live-run.js';
import { many } from '../design/amounts.js';
import { Banner } from '../design/banner.js';
import { Button } from '../design/button.js';
import { Command } from '../design/copy-button.js';
import { ErrorRecordView } from '../design/error-record.js';
import { StatusIcon } from '../design/status-icon.js';
import styles from './banners.module.css';

/** What stands between a reader and the steps: the run was lost, waits, or failed, and where it began. */
export function Banners(props: {
  readonly live: LiveRun;
  /** The step that is open: what it says of its failure is not said twice. */
  readonly step: string | undefined;
  readonly onSelect: (step: string) => void;
  readonly onNextFailure: (by: 1 | -1) => void;
}) {
  const { live } = props;
  const { status } = live.view;
  return (
    <>
      {status === 'lost' ? <Lost live={live} /> : null}
      {status === 'queued' ? (
        <Banner kind="queued" role="status">
          <span>
            <b>It waits for an agent</b>
            {live.snapshot.item.queue === undefined ? '' : ` on the queue ${live.snapshot.item.queue}`}. To
            start one:
          </span>
          <Command text={`npx run-pipeline agent --queue ${live.snapshot.item.queue ?? 'services'}`} />
        </Banner>
      ) : null}
      <Failure {...props} />
    </>
  );
}

function Lost({ live }: { readonly live: LiveRun }) {
  return (
    <Banner kind="lost" role="status">
      <StatusIcon status="lost" />
      <span>
        <b>The process of this run is gone.</b> What had completed is kept and is not executed again.
      </span>
      <Command text={live.resume ?? `npx run-pipeline resume ${live.view.id}`} />
    </Banner>
  );
}

function Failure(props: Parameters<typeof Banners>[0]) {
  const { view } = props.live;
  const roots = rootFailures(view);
  const [root] = roots;
  if (root === undefined) {
    if (view.error === undefined) return null;
    return (
      <Banner kind="failed">
        <div className={styles.failure}>
          <p className={styles.line}>
            <StatusIcon status={view.status === 'aborted' ? 'aborted' : 'failed'} />
            <b>The run {view.status === 'aborted' ? 'was aborted' : 'failed'}</b>
          </p>
          <ErrorRecordView error={view.error} brief />
        </div>
      </Banner>
    );
  }
  const { step, skipped } = root;
  const others = roots.length - 1;
  return (
    <Banner kind="failed">
      <div className={styles.failure}>
        <div className={styles.line}>
          <StatusIcon status={step.status} />
          <span className={styles.what}>
            <button type="button" className={styles.step} onClick={() => props.onSelect(step.name)}>
              {step.name}
            </button>{' '}
            <b>{step.status === 'aborted' ? 'timed out' : 'failed'}</b>
            {skipped === 0 ? '' : ` · ${many(skipped, 'step')} skipped because of it`}
            {others === 0 ? '' : ` · ${many(others, 'other failure')}`}
          </span>
          <span className={styles.actions}>
            {others === 0 ? null : (
              <Button kind="quiet" onClick={() => props.onNextFailure(1)}>
                Next failure <kbd>f</kbd>
              </Button>
            )}
            {props.step === step.name ? null : (
              <Button onClick={() => props.onSelect(step.name)}>Open the step</Button>
            )}
          </span>
        </div>
        {step.error === undefined || props.step !== undefined ? null : (
          <ErrorRecordView error={step.error} brief />
        )}
      </div>
    </Banner>
  );
}
