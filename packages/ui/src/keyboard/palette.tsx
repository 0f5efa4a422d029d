import { useId, useMemo, useState, type KeyboardEvent, type ReactNode } from 'react';
import { cx } from '../design/class-names.js';
import { Dialog } from '../design/dialog.js';
import { SearchIcon } from '../design/icons.js';
import { allCommands, type Command } from './commands.js';
import { rank } from './rank.js';
import styles from './palette.module.css';

const MOST_SHOWN = 60;

/** Finds steps, runs and actions by a few letters of their names. */
export function Palette(props: {
  readonly onClose: () => void;
  /** Further commands for what was typed: runs that the server finds. */
  readonly useFound: (text: string) => readonly Command[];
}) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [commands] = useState(allCommands);
  const list = useId();
  const further = props.useFound(text);
  const shown = useMemo(
    () => [...rank(commands, text), ...further].slice(0, MOST_SHOWN),
    [commands, text, further],
  );
  const selected = Math.min(at, shown.length - 1);
  const choose = (command: Command | undefined): void => {
    if (command === undefined) return;
    props.onClose();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by !== 0 && shown.length > 0) {
      const next = (selected + by + shown.length) % shown.length;
      setAt(next);
      document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') choose(shown[selected]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label="Go to a run, a step or an action" onClose={props.onClose}>
      <div className={styles.bar}>
        <SearchIcon className={styles.icon ?? ''} />
        <input
          autoFocus
          className={styles.input}
          placeholder="Go to a run, a step, an action…"
          aria-label="Go to a run, a step or an action"
          role="combobox"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={shown.length === 0 ? undefined : `${list}-${selected}`}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div id={list} role="listbox" aria-label="Found" className={styles.list} tabIndex={-1}>
        {shown.map((command, index) => (
          <div
            key={command.id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === selected}
            className={cx(styles.option, index === selected && styles.selected)}
            onPointerMove={() => setAt(index)}
            onClick={() => choose(command)}
          >
            <span className={styles.group}>{command.group}</span>
            <span className={styles.label} title={command.label}>
              {highlighted(command.label, text)}
            </span>
            {command.hint === undefined ? null : <span className={styles.hint}>{command.hint}</span>}
            {command.keys === undefined ? null : <kbd className={styles.keys}>{command.keys}</kbd>}
          </div>
        ))}
      </div>
      {shown.length === 0 ? (
        <p className={styles.none} role="status">
          Nothing is called “{text}”.
        </p>
      ) : null}
    </Dialog>
  );
}

function highlighted(label: string, text: string): ReactNode {
  const at = text === '' ? -1 : label.toLowerCase().indexOf(text.toLowerCase());
  if (at < 0) return label;
  return (
    <>
      {label.slice(0, at)}
      <b>{label.slice(at, at + text.length)}</b>
      {label.slice(at + text.length)}
    </>
  );
}
