import { useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { cx } from '../design/class-names.js';
import styles from './split.module.css';

const KEY = 'run-pipeline.panel-width';
const LEAST = 340;
const FIRST = Math.min(540, Math.round(innerWidth * 0.4));

const readWidth = (): number => {
  try {
    return Number(localStorage.getItem(KEY)) || FIRST;
  } catch {
    return FIRST;
  }
};

/** A view, and beside it (below it where it is narrow) a panel whose width is the reader's. */
export function Split(props: { readonly open: boolean; readonly main: ReactNode; readonly side: ReactNode }) {
  const [width, setWidth] = useState(readWidth);
  const root = useRef<HTMLDivElement>(null);
  const resize = (next: number): void => {
    const most = Math.max(LEAST, (root.current?.clientWidth ?? 1200) - 320);
    const bounded = Math.round(Math.min(most, Math.max(LEAST, next)));
    setWidth(bounded);
    try {
      localStorage.setItem(KEY, String(bounded));
    } catch {
      // A browser that keeps nothing.
    }
  };
  const drag = (event: PointerEvent<HTMLDivElement>): void => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const right = root.current?.getBoundingClientRect().right ?? 0;
    resize(right - event.clientX);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowLeft' ? 32 : event.key === 'ArrowRight' ? -32 : 0;
    if (by === 0) return;
    event.preventDefault();
    resize(width + by);
  };
  return (
    <div ref={root} className={cx(styles.split, props.open && styles.open)}>
      <div className={styles.main}>{props.main}</div>
      {props.open ? (
        <>
          <div
            role="separator"
            aria-label="Width of the panel"
            aria-orientation="vertical"
            aria-valuenow={width}
            aria-valuemin={LEAST}
            aria-valuemax={1600}
            tabIndex={0}
            className={styles.handle}
            onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
            onPointerMove={drag}
            onKeyDown={onKeyDown}
            onDoubleClick={() => resize(FIRST)}
          />
          <div className={styles.side} style={{ flexBasis: width }}>
            {props.side}
          </div>
        </>
      ) : null}
    </div>
  );
}
