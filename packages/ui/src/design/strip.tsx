import { count } from './amounts.js';
import { statusColour, statusWord, type STEP_STATUSES } from './status.js';
import styles from './strip.module.css';

/** A bar of how many steps are at which status. Says the same in words to those who do not see it. */
export function Strip(props: { readonly counts: Readonly<Record<string, number>>; readonly width?: number }) {
  const parts = ORDER.map((status) => ({ status, value: props.counts[status] ?? 0 })).filter(
    ({ value }) => value > 0,
  );
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  const words = parts.map(({ status, value }) => `${count(value)} ${statusWord(status)}`).join(', ');
  return (
    <span
      role="img"
      aria-label={words === '' ? 'no steps yet' : words}
      title={words}
      className={styles.strip}
      style={{ width: props.width }}
    >
      {parts.map(({ status, value }) => (
        // A part of 1 in 1,000 is still seen.
        <span
          key={status}
          style={{ flexGrow: value / total, minWidth: 3, backgroundColor: statusColour(status) }}
          data-status={status}
        />
      ))}
    </span>
  );
}

/** From what is done to what is not. */
const ORDER = [
  'completed',
  'cached',
  'failed',
  'aborted',
  'running',
  'queued',
  'skipped',
  'created',
] as const satisfies readonly (typeof STEP_STATUSES)[number][];
