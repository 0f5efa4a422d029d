import type { KeyboardEvent, ReactNode } from 'react';
import { cx } from './class-names.js';
import styles from './tabs.module.css';

export interface Tab<Id extends string> {
  readonly id: Id;
  readonly label: string;
  /** How many there are in it, where that is worth knowing. */
  readonly count?: number | undefined;
  readonly icon?: ReactNode;
}

/** Tabs that choose on focus, as arrows move it; the panel has `aria-labelledby` of the chosen one. */
export function Tabs<Id extends string>(props: {
  readonly label: string;
  readonly tabs: readonly Tab<Id>[];
  readonly selected: Id;
  readonly onSelect: (id: Id) => void;
  readonly panel: string;
  readonly look?: 'line' | 'segments';
}) {
  const { tabs, selected, onSelect } = props;
  const move = (event: KeyboardEvent<HTMLDivElement>): void => {
    const at = tabs.findIndex(({ id }) => id === selected);
    const to =
      event.key === 'ArrowRight'
        ? (at + 1) % tabs.length
        : event.key === 'ArrowLeft'
          ? (at - 1 + tabs.length) % tabs.length
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? tabs.length - 1
              : -1;
    const tab = tabs[to];
    if (tab === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    onSelect(tab.id);
    document.getElementById(tabId(props.panel, tab.id))?.focus();
  };
  return (
    <div
      role="tablist"
      aria-label={props.label}
      className={props.look === 'segments' ? styles.segments : styles.line}
      onKeyDown={move}
    >
      {tabs.map((tab) => (
        <button
          key={tab.id}
          id={tabId(props.panel, tab.id)}
          type="button"
          role="tab"
          aria-selected={tab.id === selected}
          aria-controls={props.panel}
          tabIndex={tab.id === selected ? 0 : -1}
          className={cx(styles.tab, tab.id === selected && styles.selected)}
          onClick={() => onSelect(tab.id)}
        >
          {tab.icon}
          {tab.label}
          {tab.count === undefined ? null : <span className={styles.count}>{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}

export const tabId = (panel: string, tab: string): string => `${panel}-${tab}`;
