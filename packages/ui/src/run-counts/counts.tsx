import type { StepStatus } from '@run-pipeline/core/model';
import { count } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { STEP_STATUSES, statusColour, statusWord } from '../design/status.js';
import { StatusIcon } from '../design/status-icon.js';
import { hasWord, toggleWord } from '../query/query-words.js';
import styles from './counts.module.css';

/** How many steps are at each status; each filters. Those without any are left out, unless they filter. */
export function Counts(props: {
  readonly counts: Readonly<Record<StepStatus, number>>;
  readonly q: string;
  readonly onChange: (q: string) => void;
}) {
  return (
    <div role="group" aria-label="Steps by status" className={styles.counts}>
      {STEP_STATUSES.map((status) => {
        const word = `status:${status}`;
        const pressed = hasWord(props.q, word);
        if (props.counts[status] === 0 && !pressed) return null;
        return (
          <button
            key={status}
            type="button"
            aria-pressed={pressed}
            title={pressed ? 'Show all steps' : `Show only steps that are ${statusWord(status)}`}
            className={cx(styles.count, pressed && styles.pressed)}
            onClick={() => props.onChange(toggleWord(props.q, word))}
          >
            <StatusIcon status={status} size={13} />
            <b style={{ color: statusColour(status) }}>{count(props.counts[status])}</b> {statusWord(status)}
          </button>
        );
      })}
    </div>
  );
}
