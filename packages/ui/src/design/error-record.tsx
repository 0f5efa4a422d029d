import type { ErrorRecord } from '@run-pipeline/core/model';
import { cx } from './class-names.js';
import styles from './error-record.module.css';

/** An error: what, where with the lines of code around it, the user's own frames, and what caused it. */
export function ErrorRecordView(props: { readonly error: ErrorRecord; readonly brief?: boolean }) {
  const { error, brief = false } = props;
  return (
    <div className={styles.error}>
      <p className={cx(styles.message, brief && styles.brief)} title={error.message}>
        <b>{error.name}</b>: {error.message}
      </p>
      {error.at === undefined ? null : <p className={styles.at}>{error.at}</p>}
      {error.frame === undefined || error.frame === '' ? null : <Frame text={error.frame} />}
      {brief || error.stack === undefined || error.stack === '' ? null : (
        <pre className={styles.stack}>{error.stack}</pre>
      )}
      {error.cause === undefined || brief ? null : (
        <div className={styles.cause}>
          <p className={styles.label}>caused by</p>
          <ErrorRecordView error={error.cause} />
        </div>
      )}
    </div>
  );
}

/** The lines of source as the terminal shows them; the one that is meant is marked. */
function Frame({ text }: { readonly text: string }) {
  return (
    // Focus, so that arrows can scroll what is wide.
    <pre className={styles.frame} tabIndex={0} aria-label="Lines of source">
      {text
        .replace(/\n+$/, '')
        .split('\n')
        .map((line, index) => (
          <span key={index} className={cx(styles.codeLine, /^\s*>/.test(line) && styles.marked)}>
            {line === '' ? ' ' : line}
            {'\n'}
          </span>
        ))}
    </pre>
  );
}
