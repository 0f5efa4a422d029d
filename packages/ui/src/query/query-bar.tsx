import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { cx } from '../design/class-names.js';
import { CloseIcon, SearchIcon } from '../design/icons.js';
import { useKeys } from '../keyboard/keys.js';
import { complete, completions, type Completion } from './query-words.js';
import styles from './query-bar.module.css';

const PAUSE_MS = 180;

/** Text that filters, with completion of its last word. `/` leads to it; what is typed counts after a pause. */
export function QueryBar(props: {
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly placeholder: string;
  readonly label: string;
  readonly known?: Parameters<typeof completions>[1];
}) {
  const { value, onChange } = props;
  const [text, setText] = useState(value);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const told = useRef(value);
  const list = useId();
  useEffect(() => {
    // Changed by somebody else: a link, a button, the browser's back.
    if (value !== told.current) setText(value);
    told.current = value;
  }, [value]);
  useEffect(() => {
    if (text === told.current) return undefined;
    const timer = setTimeout(() => {
      told.current = text;
      onChange(text);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, onChange]);
  useKeys({ '/': () => input.current?.select() });
  const offered: readonly Completion[] =
    open && props.known !== undefined ? completions(text, props.known) : [];
  const choose = (word: string): void => {
    setText(complete(text, word));
    setAt(-1);
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by !== 0 && offered.length > 0) setAt((at + by + offered.length) % offered.length);
    else if (event.key === 'Enter' && offered[at] !== undefined) choose(offered[at].word);
    else if (event.key === 'Escape') {
      if (offered.length > 0 && at >= 0) setAt(-1);
      else if (text === '') input.current?.blur();
      else setText('');
    } else return;
    event.preventDefault();
  };
  return (
    <div className={styles.bar} role="search">
      <SearchIcon size={14} className={styles.icon ?? ''} />
      <input
        ref={input}
        className={styles.input}
        aria-label={props.label}
        placeholder={props.placeholder}
        value={text}
        autoComplete="off"
        spellCheck={false}
        {...(props.known === undefined
          ? {}
          : {
              role: 'combobox',
              'aria-expanded': offered.length > 0,
              'aria-controls': list,
              'aria-activedescendant': at >= 0 ? `${list}-${at}` : undefined,
            })}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
          setAt(-1);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      {text === '' ? (
        <kbd className={styles.key}>/</kbd>
      ) : (
        <button
          type="button"
          className={styles.clear}
          aria-label="Clear the filter"
          onClick={() => setText('')}
        >
          <CloseIcon size={12} />
        </button>
      )}
      {props.known === undefined ? null : (
        <div
          id={list}
          role="listbox"
          aria-label="Completions"
          hidden={offered.length === 0}
          className={styles.list}
        >
          {offered.map(({ word, says }, index) => (
            <div
              key={word}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === at}
              className={cx(styles.option, index === at && styles.selected)}
              // Before the field loses the focus.
              onPointerDown={(event) => {
                event.preventDefault();
                choose(word);
              }}
            >
              <code>{word}</code>
              <span>{says}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
