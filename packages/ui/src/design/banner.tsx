import type { ReactNode } from 'react';
import { cx } from './class-names.js';
import styles from './banner.module.css';

/** A message across the page: what happened, and what to do. */
export function Banner(props: {
  readonly kind: 'failed' | 'lost' | 'queued' | 'aborted';
  readonly children: ReactNode;
  readonly role?: 'status' | 'alert';
}) {
  return (
    <div role={props.role} className={cx(styles.banner, styles[props.kind])}>
      {props.children}
    </div>
  );
}
