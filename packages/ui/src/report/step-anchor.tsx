import { StatusIcon } from '../design/status-icon.js';
import { useReportedRun } from './reported-run.js';
import styles from './report.module.css';

/** Leads to another step of the report, and opens it. */
export function StepAnchor({ name }: { readonly name: string }) {
  const { run, open } = useReportedRun();
  const step = run.view.steps.get(name as never);
  if (step === undefined) return <span>{name}</span>;
  return (
    <a href={`#${run.idOf(name)}`} className={styles.anchor} onClick={() => open(name)}>
      <StatusIcon status={step.status} size={12} />
      {name}
    </a>
  );
}

/** So many are named. */
const MOST = 30;

export function StepAnchors({ names }: { readonly names: readonly string[] }) {
  return (
    <span className={styles.anchors}>
      {names.slice(0, MOST).map((name) => (
        <StepAnchor key={name} name={name} />
      ))}
      {names.length > MOST ? <span>and {names.length - MOST} more</span> : null}
    </span>
  );
}
