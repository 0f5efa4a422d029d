import type { AnyStatus } from './status.js';
import { statusColour, statusWord } from './status.js';
import { cx } from './class-names.js';
import styles from './status-icon.module.css';

/** The shape of a status on 16 units; each is known without its colour. For use inside of another SVG too. */
export function StatusShape({ status }: { readonly status: AnyStatus }) {
  switch (status) {
    case 'completed':
    case 'published':
      return (
        <>
          <circle cx="8" cy="8" r="6.5" fill="currentColor" />
          <path
            d="m5 8.3 2.2 2.2 4-4.6"
            fill="none"
            stroke="var(--surface)"
            strokeWidth="1.6"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </>
      );
    case 'cached':
      return (
        <>
          <circle
            cx="8"
            cy="8"
            r="5.8"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.4"
            strokeDasharray="2.6 1.95"
          />
          <path
            d="m5.3 8.2 1.9 1.9 3.5-4"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.6"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </>
      );
    case 'failed':
      return (
        <>
          <circle cx="8" cy="8" r="6.5" fill="currentColor" />
          <path
            d="m5.7 5.7 4.6 4.6m0-4.6-4.6 4.6"
            fill="none"
            stroke="var(--surface)"
            strokeWidth="1.6"
            strokeLinecap="round"
          />
        </>
      );
    case 'running':
      return (
        <>
          <circle
            cx="8"
            cy="8"
            r="5.8"
            fill="none"
            stroke="currentColor"
            strokeOpacity="0.25"
            strokeWidth="1.8"
          />
          <path
            className={styles.turning}
            d="M8 2.2A5.8 5.8 0 0 1 13.8 8"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.8"
            strokeLinecap="round"
          />
        </>
      );
    case 'queued':
      return (
        <>
          <circle cx="8" cy="8" r="5.8" fill="none" stroke="currentColor" strokeWidth="1.4" />
          <path
            d="M8 4.8V8l2 1.7"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.4"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </>
      );
    case 'aborted':
      return (
        <>
          <circle cx="8" cy="8" r="6.5" fill="currentColor" />
          <rect x="5.6" y="5.6" width="4.8" height="4.8" rx="0.8" fill="var(--surface)" />
        </>
      );
    case 'skipped':
      return (
        <>
          <circle cx="8" cy="8" r="5.8" fill="none" stroke="currentColor" strokeWidth="1.4" />
          <path d="m4.2 11.8 7.6-7.6" stroke="currentColor" strokeWidth="1.4" />
        </>
      );
    case 'lost':
      return (
        <>
          <path d="M8 1.6 14.6 13.6H1.4Z" fill="currentColor" strokeLinejoin="round" />
          <path d="M8 6v3.6m0 2v.02" stroke="var(--surface)" strokeWidth="1.6" strokeLinecap="round" />
        </>
      );
    case 'created':
      return (
        <circle
          cx="8"
          cy="8"
          r="5.8"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.4"
          strokeDasharray="0.01 2.59"
          strokeLinecap="round"
        />
      );
    default:
      return status satisfies never;
  }
}

export function StatusIcon(props: { readonly status: AnyStatus; readonly size?: number }) {
  const { status, size = 14 } = props;
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      className={styles.icon}
      style={{ color: statusColour(status) }}
    >
      <StatusShape status={status} />
    </svg>
  );
}

/** Icon, word, colour. */
export function Status(props: {
  readonly status: AnyStatus;
  readonly note?: string;
  readonly className?: string;
}) {
  const { status, note } = props;
  return (
    <span className={cx(styles.status, props.className)} style={{ color: statusColour(status) }}>
      <StatusIcon status={status} />
      <span className={styles.word}>
        {statusWord(status)}
        {note === undefined ? null : <span className={styles.note}> {note}</span>}
      </span>
    </span>
  );
}
