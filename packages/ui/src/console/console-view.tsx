import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type KeyboardEvent,
  type ReactNode,
} from 'react';
import { shownConsoleText } from '@run-pipeline/core/run-view';
import { useQueryState } from '../address/search.js';
import { count, many } from '../design/amounts.js';
import { Button, IconButton } from '../design/button.js';
import { cx } from '../design/class-names.js';
import { CopyButton } from '../design/copy-button.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { DownIcon, SearchIcon, UpIcon } from '../design/icons.js';
import { timeOfDay } from '../design/time.js';
import { useWindow } from '../design/virtual-list.js';
import { useKeys } from '../keyboard/keys.js';
import { PLAIN, plainText } from './ansi.js';
import { ConsoleLog, type LogSource, type StreamName } from './console-log.js';
import { LineText } from './line-text.js';
import { useWrap } from './use-wrap.js';
import styles from './console.module.css';

const LINE_HEIGHT = 19;

/** The console of one attempt: live, searched by the server, every line with an address of its own. */
export function ConsoleView(props: {
  readonly source: LogSource;
  readonly goesOn: boolean;
  /** What to say where there is no line. */
  readonly none: ReactNode;
}) {
  const { source, goesOn } = props;
  const [address, change] = useQueryState();
  const [stream, setStream] = useState<StreamName>();
  const [times, setTimes] = useState(false);
  const [wrap, setWrap] = useWrap();
  const log = useLog(source, stream);
  useSyncExternalStore(log.subscribe, log.snapshot);
  const { scroller, window, onScroll, reveal } = useWindow({
    count: log.count,
    rowHeight: LINE_HEIGHT,
    // Lines that are wrapped have no known height: the first one that is drawn is the one at the top.
    overscan: wrap ? 0 : 30,
  });
  const marked = Number(address.get('line') ?? '') || undefined;
  const search = useSearch(log);
  const atEnd = useRef(true);
  const settling = useRef({ count: -1, times: 0 });

  useEffect(() => log.want(window.first, window.end), [log, window.first, window.end, log.total]);
  // The end stays in sight as long as the reader has not left it.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || !atEnd.current || marked !== undefined) return;
    if (!wrap) element.scrollTop = element.scrollHeight;
    else if (settling.current.count !== log.count || settling.current.times < 6) {
      // Which lines these are is known only when they are drawn, which may show others.
      settling.current = {
        count: log.count,
        times: settling.current.count === log.count ? settling.current.times + 1 : 0,
      };
      element.scrollTop = (log.count - linesThatFit(element)) * LINE_HEIGHT;
    }
  }, [log.count, marked, scroller, wrap, window.first, window.end]);
  const jumped = useRef<string>('');
  useEffect(() => {
    const key = `${source.key} ${marked}`;
    if (marked === undefined || !log.loaded || jumped.current === key || scroller.current === null) return;
    jumped.current = key;
    scroller.current.scrollTop = topOf(marked - 1, scroller.current, wrap);
  });
  const show = useCallback(
    (line: number) => {
      atEnd.current = false;
      const element = scroller.current;
      if (element !== null) element.scrollTop = topOf(line, element, wrap);
      reveal(line);
    },
    [reveal, scroller, wrap],
  );
  const toEnd = (): void => {
    atEnd.current = true;
    settling.current = { count: -1, times: 0 };
    change({ line: undefined }, { replace: true });
    const element = scroller.current;
    if (element !== null)
      element.scrollTop = wrap ? (log.count - linesThatFit(element)) * LINE_HEIGHT : element.scrollHeight;
  };
  const go = (by: 1 | -1): void => {
    const line = search.go(by);
    if (line !== undefined) show(line);
  };
  const input = useRef<HTMLInputElement>(null);
  useKeys({
    'mod+f': () => input.current?.select(),
    End: toEnd,
    Home: () => show(0),
  });

  if (log.error !== undefined && !log.loaded)
    return <Failed error={log.error} what="the console" onRetry={() => void log.start()} small />;
  if (!log.loaded) return <Loading what="the console" />;
  const rows: ReactNode[] = [];
  const looks = log.looks(window.first, Math.min(window.end, log.count));
  for (let index = window.first; index < Math.min(window.end, log.count); index++) {
    const line = log.line(index);
    const isMatch = search.matches.has(index);
    rows.push(
      <div
        key={index}
        className={cx(
          styles.line,
          line?.stream === 'stderr' && styles.stderr,
          marked === index + 1 && styles.marked,
          isMatch && styles.match,
          isMatch && search.current === index && styles.current,
        )}
        style={wrap ? undefined : { top: index * LINE_HEIGHT }}
      >
        <a
          className={styles.number}
          href={lineHref(address, index + 1)}
          tabIndex={-1}
          title={line === undefined ? undefined : timeOfDay(line.ts)}
          onClick={(event) => {
            event.preventDefault();
            atEnd.current = false;
            jumped.current = `${source.key} ${index + 1}`;
            change({ line: marked === index + 1 ? undefined : String(index + 1) }, { replace: true });
          }}
        >
          {index + 1}
        </a>
        {times ? <span className={styles.time}>{line === undefined ? '' : timeOfDay(line.ts)}</span> : null}
        {line === undefined ? (
          <span className={styles.pending}>…</span>
        ) : (
          <>
            {line.stream === 'stderr' ? (
              <span className={styles.sign} title="standard error">
                !
              </span>
            ) : (
              <span className={styles.sign} />
            )}
            <LineText
              text={index >= log.total ? shownConsoleText(line.text) : line.text}
              look={looks[index - window.first] ?? PLAIN}
              find={isMatch ? search.text : ''}
            />
          </>
        )}
      </div>,
    );
  }
  return (
    <div className={styles.console}>
      <div className={styles.tools}>
        <label className={styles.find}>
          <SearchIcon size={13} />
          <input
            ref={input}
            value={search.text}
            placeholder="Find in the console"
            aria-label="Find in the console"
            onChange={({ target }) => search.setText(target.value)}
            onKeyDown={(event: KeyboardEvent) => {
              if (event.key === 'Enter') go(event.shiftKey ? -1 : 1);
              else if (event.key === 'Escape') search.setText('');
            }}
          />
        </label>
        {search.text === '' ? null : (
          <span className={styles.found} role="status">
            {search.order.length === 0
              ? 'not found'
              : `${search.position + 1} of ${count(search.order.length)}${search.order.length === 10_000 ? '+' : ''}`}
          </span>
        )}
        {search.order.length === 0 ? null : (
          <>
            <IconButton label="Match before" keys="⇧ Enter" onClick={() => go(-1)}>
              <UpIcon size={14} />
            </IconButton>
            <IconButton label="Next match" keys="Enter" onClick={() => go(1)}>
              <DownIcon size={14} />
            </IconButton>
          </>
        )}
        <span className={styles.right}>
          <select
            aria-label="Which stream"
            className={styles.select}
            value={stream ?? ''}
            onChange={({ target }) =>
              setStream(target.value === '' ? undefined : (target.value as StreamName))
            }
          >
            <option value="">both streams</option>
            <option value="stdout">stdout</option>
            <option value="stderr">stderr</option>
          </select>
          <label className={styles.check}>
            <input type="checkbox" checked={times} onChange={() => setTimes(!times)} />
            times
          </label>
          <label className={styles.check}>
            <input type="checkbox" checked={wrap} onChange={() => setWrap(!wrap)} />
            wrap
          </label>
          <Button kind="quiet" onClick={toEnd} title="End">
            {goesOn ? 'Follow' : 'End'}
          </Button>
        </span>
      </div>
      {log.count === 0 ? (
        <>
          {stream === undefined ? (
            props.none
          ) : (
            <EmptyState title={`Nothing was written to ${stream}`} small />
          )}
        </>
      ) : (
        <div
          ref={scroller}
          className={styles.scroller}
          tabIndex={0}
          role="log"
          aria-label="Console"
          aria-live="off"
          onScroll={(event) => {
            const element = event.currentTarget;
            atEnd.current = wrap
              ? element.scrollTop >= (log.count - linesThatFit(element) - 1) * LINE_HEIGHT
              : element.scrollHeight - element.scrollTop - element.clientHeight < LINE_HEIGHT * 2;
            onScroll(event);
          }}
        >
          {wrap ? (
            // Any line can come to the top: the last one may fill the whole height.
            <div
              className={styles.lines}
              style={{ height: log.count * LINE_HEIGHT + (scroller.current?.clientHeight ?? 0) }}
            >
              <div className={styles.wrapped} style={{ top: window.first * LINE_HEIGHT }}>
                {rows}
              </div>
            </div>
          ) : (
            <div className={styles.lines} style={{ height: log.count * LINE_HEIGHT + 8 }}>
              {rows}
            </div>
          )}
        </div>
      )}
      <div className={styles.foot}>
        {many(log.total, 'line')}
        <span className={styles.right}>
          <CopySeen log={log} first={window.first} end={window.end} />
        </span>
      </div>
    </div>
  );
}

/** A line a third below the top, where lines have one height; else at the top. */
const topOf = (line: number, element: HTMLElement, wrap: boolean): number =>
  Math.max(0, line * LINE_HEIGHT - (wrap ? 0 : element.clientHeight / 3));

/** How many of the last lines, as they are wrapped, have room; at least one. */
function linesThatFit(element: HTMLElement): number {
  const lines = [...(element.querySelector(`.${styles.wrapped}`)?.children ?? [])];
  let height = 0;
  let fit = 0;
  for (const line of lines.reverse()) {
    height += line.clientHeight;
    if (height > element.clientHeight) return Math.max(1, fit);
    fit++;
  }
  // All that are drawn, and much room: more of them would fit.
  const left = element.clientHeight - height;
  return Math.max(1, left > element.clientHeight * 0.4 ? fit + Math.floor(left / LINE_HEIGHT) : fit);
}

function CopySeen(props: { readonly log: ConsoleLog; readonly first: number; readonly end: number }) {
  const lines: string[] = [];
  for (let index = props.first; index < Math.min(props.end, props.log.count); index++) {
    const line = props.log.line(index);
    if (line !== undefined) lines.push(plainText(line.text));
  }
  return lines.length === 0 ? null : (
    <CopyButton text={lines.join('\n')} label="Copy the lines around here" />
  );
}

function lineHref(address: URLSearchParams, line: number): string {
  const next = new URLSearchParams(address);
  next.set('line', String(line));
  return `?${next}`;
}

function useLog(source: LogSource, stream: StreamName | undefined): ConsoleLog {
  const { key } = source;
  const log = useMemo(() => new ConsoleLog(source, stream), [key, stream]);
  useEffect(() => {
    const current = log;
    void current.start();
    return () => current.close();
  }, [log]);
  return log;
}

const PAUSE_MS = 200;

/** The text that is looked for, and the lines where the server found it. */
function useSearch(log: ConsoleLog) {
  const [text, setText] = useState('');
  const [order, setOrder] = useState<readonly number[]>([]);
  const [position, setPosition] = useState(-1);
  useEffect(() => {
    setPosition(-1);
    if (text === '') {
      setOrder([]);
      return undefined;
    }
    let left = false;
    const timer = setTimeout(() => {
      void log.search(text).then(
        (found) => {
          if (!left) setOrder(found);
        },
        () => undefined,
      );
    }, PAUSE_MS);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [log, text]);
  const matches = useMemo(() => new Set(order), [order]);
  const go = (by: 1 | -1): number | undefined => {
    if (order.length === 0) return undefined;
    const next =
      position < 0 ? (by === 1 ? 0 : order.length - 1) : (position + by + order.length) % order.length;
    setPosition(next);
    return order[next];
  };
  return { text, setText, order, matches, position, current: order[position], go };
}
