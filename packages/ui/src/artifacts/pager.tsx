import { count } from '../design/amounts.js';
import { IconButton } from '../design/button.js';
import { ChevronIcon } from '../design/icons.js';
import styles from './artifacts.module.css';

/** Which of many are shown, and steps to the others. */
export function Pager(props: {
  readonly offset: number;
  readonly shown: number;
  readonly total: number;
  readonly size: number;
  readonly what: string;
  readonly onOffset: (offset: number) => void;
}) {
  const { offset, shown, total, size } = props;
  if (total <= size && offset === 0)
    return (
      <p className={styles.pager}>
        {total === 1 ? `1 ${props.what.replace(/s$/, '')}` : `${count(total)} ${props.what}`}
      </p>
    );
  const last = Math.max(0, Math.floor((total - 1) / size) * size);
  return (
    <div className={styles.pager} role="group" aria-label={`Pages of ${props.what}`}>
      <IconButton
        label="First"
        disabled={offset === 0}
        onClick={() => props.onOffset(0)}
        className={styles.first}
      >
        <ChevronIcon size={14} />
      </IconButton>
      <IconButton
        label="Before"
        disabled={offset === 0}
        onClick={() => props.onOffset(Math.max(0, offset - size))}
        className={styles.back}
      >
        <ChevronIcon size={14} />
      </IconButton>
      <span>
        {count(offset + 1)}–{count(offset + shown)} of {count(total)} {props.what}
      </span>
      <IconButton
        label="Next"
        disabled={offset + shown >= total}
        onClick={() => props.onOffset(offset + size)}
      >
        <ChevronIcon size={14} />
      </IconButton>
      <IconButton
        label="Last"
        disabled={offset + shown >= total}
        onClick={() => props.onOffset(last)}
        className={styles.last}
      >
        <ChevronIcon size={14} />
      </IconButton>
    </div>
  );
}
