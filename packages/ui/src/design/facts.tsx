import type { ReactNode } from 'react';
import styles from './facts.module.css';

/** Names and values in two columns; entries without a value are left out. */
export function Facts(props: { readonly facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className={styles.facts}>
      {props.facts
        .filter(([, value]) => value !== undefined && value !== null && value !== '')
        .map(([name, value]) => (
          <div key={name} className={styles.fact}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

export function Section(props: {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className={styles.section}>
      <header className={styles.heading}>
        <h3>{props.title}</h3>
        {props.aside === undefined ? null : <span className={styles.aside}>{props.aside}</span>}
      </header>
      {props.children}
    </section>
  );
}
