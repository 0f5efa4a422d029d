import {
  useCallback,
  useLayoutEffect,
  useRef,
  useState,
  type ReactNode,
  type RefObject,
  type UIEvent,
} from 'react';

export interface Window {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

/**
 * Which of many rows of one height stand in a scrolling element. The rows in between are drawn, with
 * space above and below for the others; only a change of the window draws again.
 */
export function useWindow(options: {
  readonly count: number;
  readonly rowHeight: number;
  readonly overscan?: number;
}): {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly window: Window;
  readonly onScroll: (event: UIEvent) => void;
  readonly reveal: (index: number) => void;
} {
  const { count, rowHeight, overscan = 12 } = options;
  const scroller = useRef<HTMLDivElement>(null);
  const [window, setWindow] = useState<Window>({ first: 0, end: Math.min(count, 60) });
  const measure = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const first = Math.max(0, Math.floor(element.scrollTop / rowHeight) - overscan);
    const end = Math.min(count, Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + overscan);
    setWindow((before) => (before.first === first && before.end === end ? before : { first, end }));
  }, [count, rowHeight, overscan]);
  useLayoutEffect(() => {
    measure();
    const element = scroller.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [measure]);
  const reveal = useCallback(
    (index: number) => {
      const element = scroller.current;
      if (element === null) return;
      const header = element.querySelector('thead')?.clientHeight ?? 0;
      const top = index * rowHeight;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + rowHeight + header > element.scrollTop + element.clientHeight)
        element.scrollTop = top + rowHeight + header - element.clientHeight;
    },
    [rowHeight],
  );
  return { scroller, window, onScroll: measure, reveal };
}

/** A list of rows of one height. */
export function VirtualList(props: {
  readonly count: number;
  readonly rowHeight: number;
  readonly label: string;
  readonly className?: string | undefined;
  readonly row: (index: number) => ReactNode;
}) {
  const { scroller, window, onScroll } = useWindow(props);
  const rows: ReactNode[] = [];
  for (let index = window.first; index < Math.min(window.end, props.count); index++)
    rows.push(props.row(index));
  return (
    <div
      ref={scroller}
      tabIndex={0}
      className={props.className}
      onScroll={onScroll}
      style={{ overflowY: 'auto' }}
    >
      <ul aria-label={props.label} style={{ height: props.count * props.rowHeight, position: 'relative' }}>
        <li aria-hidden="true" style={{ height: window.first * props.rowHeight }} />
        {rows}
      </ul>
    </div>
  );
}
