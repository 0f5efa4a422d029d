import { useStep, type LiveRun } from '../data/live-run.js';
import { StatusIcon } from '../design/status-icon.js';
import { statusWord } from '../design/status.js';
import styles from './tab-body.module.css';

/** Another step of the same run, with its status. */
export function StepLink(props: {
  readonly live: LiveRun;
  readonly name: string;
  readonly onSelect: (step: string) => void;
}) {
  const step = useStep(props.live, props.name);
  return (
    <button
      type="button"
      className={styles.link}
      title={step === undefined ? undefined : statusWord(step.status)}
      onClick={() => props.onSelect(props.name)}
    >
      {step === undefined ? null : <StatusIcon status={step.status} size={12} />}
      {props.name}
    </button>
  );
}

export function StepLinks(props: {
  readonly live: LiveRun;
  readonly names: readonly string[];
  readonly onSelect: (step: string) => void;
}) {
  const shown = props.names.slice(0, MOST);
  return (
    <span className={styles.links}>
      {shown.map((name) => (
        <StepLink key={name} live={props.live} name={name} onSelect={props.onSelect} />
      ))}
      {props.names.length > MOST ? (
        <span className={styles.muted}>and {props.names.length - MOST} more</span>
      ) : null}
    </span>
  );
}

const MOST = 30;
