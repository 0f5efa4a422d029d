import { useEffect, useRef, useState } from 'react';
import { Button } from '../design/button.js';
import { DownIcon } from '../design/icons.js';
import styles from './metrics-menu.module.css';

/** Which metrics have a column. */
export function MetricsMenu(props: {
  readonly names: readonly string[];
  readonly shown: readonly string[];
  readonly onChange: (shown: readonly string[]) => void;
}) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const leave = (event: Event): void => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener('pointerdown', leave);
    addEventListener('focusin', leave);
    return () => {
      removeEventListener('pointerdown', leave);
      removeEventListener('focusin', leave);
    };
  }, [open]);
  if (props.names.length === 0) return null;
  const toggle = (name: string): void =>
    props.onChange(
      props.shown.includes(name) ? props.shown.filter((each) => each !== name) : [...props.shown, name],
    );
  return (
    <div
      ref={root}
      className={styles.menu}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open) return;
        event.stopPropagation();
        setOpen(false);
        root.current?.querySelector('button')?.focus();
      }}
    >
      <Button aria-expanded={open} onClick={() => setOpen(!open)}>
        Metrics
        <DownIcon size={12} />
      </Button>
      {open ? (
        <fieldset className={styles.list}>
          <legend className={styles.legend}>Columns</legend>
          {props.names.map((name) => (
            <label key={name} className={styles.entry}>
              <input type="checkbox" checked={props.shown.includes(name)} onChange={() => toggle(name)} />
              <span title={name}>{name}</span>
            </label>
          ))}
        </fieldset>
      ) : null}
    </div>
  );
}
