import type { ReactNode } from 'react';
import { cx } from './class-names.js';
import styles from './empty-state.module.css';

/** Nothing to show, why, and what to do about it. */
export function EmptyState(props: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly small?: boolean;
  /** It is all that the screen shows: its title is the screen's. */
  readonly whole?: boolean;
  /** For states that appear by themselves: read aloud. */
  readonly live?: boolean;
}) {
  return (
    <div
      className={cx(styles.empty, props.small === true && styles.small)}
      role={props.live === true ? 'status' : undefined}
    >
      {props.whole === true ? (
        <h1 className={styles.title}>{props.title}</h1>
      ) : (
        <p className={styles.title}>{props.title}</p>
      )}
      {props.children === undefined ? null : <div className={styles.body}>{props.children}</div>}
    </div>
  );
}

/** What is being read. Shown only when it takes longer than people notice, so that nothing flickers. */
export function Loading({ what }: { readonly what: string }) {
  return (
    <p className={styles.loading} role="status">
      Loading {what}…
    </p>
  );
}
