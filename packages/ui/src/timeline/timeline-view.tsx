import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type CSSProperties,
  type RefObject,
  type ReactNode,
} from 'react';
import { useQueryState } from '../address/search.js';
import { useSeconds } from '../data/clock.js';
import { useVersion, type LiveRun } from '../data/live-run.js';
import type { StepFilter } from '../data/step-filter.js';
import { duration, elapsed, many } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { IconButton } from '../design/button.js';
import { EmptyState } from '../design/empty-state.js';
import { FitIcon, MinusIcon, PlusIcon } from '../design/icons.js';
import { StatusIcon } from '../design/status-icon.js';
import { statusColour, statusWord } from '../design/status.js';
import { useWindow } from '../design/virtual-list.js';
import { useKeys } from '../keyboard/keys.js';
import { ticks, timeline, timeTaken, type Row, type Segment } from './segments.js';
import { moved, readSpan, spanText, zoomed, type Span } from './span.js';
import styles from './timeline.module.css';

const ROW_HEIGHT = 28;
/** Pixels between two marks of the axis, at least. */
const TICK_ROOM = 96;

/** When every step waited, executed and tried again; which of them made the run as long as it is. */
export default function TimelineView(props: {
  readonly live: LiveRun;
  readonly filter: StepFilter;
  readonly step: string | undefined;
  readonly onSelect: (step: string | undefined, options?: { readonly replace?: boolean }) => void;
}) {
  const { live, filter, step: selected, onSelect } = props;
  const version = useVersion(live);
  const now = useSeconds(live.view.status === 'running');
  const line = useMemo(
    () =>
      timeline(
        live.view,
        live.steps().filter((step) => filter.matches(step)),
        now,
      ),
    [version, now, live, filter],
  );
  const { scroller, window, onScroll, reveal } = useWindow({
    count: line.rows.length,
    rowHeight: ROW_HEIGHT,
  });
  const [width, setWidth] = useState(800);
  const axis = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = axis.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const move = useCallback(
    (by: number) => {
      const at = document.activeElement?.closest<HTMLElement>('[data-index]')?.dataset['index'];
      const from = at === undefined ? line.rows.findIndex(({ step }) => step.name === selected) : Number(at);
      const to = Math.max(0, Math.min(line.rows.length - 1, from + by));
      reveal(to);
      const row = line.rows[to];
      if (selected !== undefined && row !== undefined) onSelect(row.step.name, { replace: true });
      requestAnimationFrame(() =>
        requestAnimationFrame(() =>
          scroller.current
            ?.querySelector<HTMLElement>(`[data-index="${to}"] button`)
            ?.focus({ preventScroll: true }),
        ),
      );
    },
    [line, selected, onSelect, reveal, scroller],
  );
  useKeys({ j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) });
  const { shown, zoomBy, moveBy, showAll } = useZoom(line.length, axis, scroller);
  useKeys({
    '+': () => zoomBy(1.5),
    '=': () => zoomBy(1.5),
    '-': () => zoomBy(1 / 1.5),
    '0': showAll,
    ArrowLeft: () => moveBy(-0.2),
    ArrowRight: () => moveBy(0.2),
  });
  const marks = ticks(shown.from, shown.to, Math.floor(width / TICK_ROOM));
  const placeOf = (at: number) => ({ left: `${((at - shown.from) / (shown.to - shown.from)) * 100}%` });
  const rows: ReactNode[] = [];
  for (let index = window.first; index < Math.min(window.end, line.rows.length); index++) {
    const row = line.rows[index]!;
    rows.push(
      <TimelineRow
        key={row.step.name}
        row={row}
        index={index}
        shown={shown}
        selected={row.step.name === selected}
        onSelect={onSelect}
      />,
    );
  }
  return (
    <div className={styles.timeline}>
      <div className={styles.summary}>
        {line.critical.length === 0 ? (
          'Nothing was executed.'
        ) : (
          <>
            <span className={styles.diamond} aria-hidden="true" /> Critical path:{' '}
            {many(line.critical.length, 'step')}, {duration(line.criticalMs)} of{' '}
            {live.view.status === 'running' ? elapsed(line.length) : duration(line.length)}
            <span className={styles.path} title={line.critical.join(' → ')}>
              {line.critical.join(' → ')}
            </span>
          </>
        )}
        <span className={styles.zoom} role="group" aria-label="Stretch of time">
          <IconButton label="Longer stretch" keys="-" onClick={() => zoomBy(1 / 1.5)}>
            <MinusIcon size={14} />
          </IconButton>
          <IconButton label="Shorter stretch" keys="+" onClick={() => zoomBy(1.5)}>
            <PlusIcon size={14} />
          </IconButton>
          <IconButton label="The whole run" keys="0" onClick={showAll}>
            <FitIcon size={14} />
          </IconButton>
        </span>
      </div>
      <div ref={scroller} className={styles.scroller} onScroll={onScroll}>
        <div className={styles.head}>
          <span className={styles.headName}>Step</span>
          <div ref={axis} className={styles.axis} aria-hidden="true">
            {marks.map((at) => (
              <span key={at} className={styles.tick} style={placeOf(at)}>
                {/* No room for words at the very end. */}
                {at === 0 ? '0' : (at - shown.from) / (shown.to - shown.from) > 0.95 ? '' : duration(at)}
              </span>
            ))}
          </div>
        </div>
        {line.rows.length === 0 ? (
          <EmptyState title={filter.isEmpty ? 'Nothing has started yet' : 'No step is like that'} small live>
            {filter.isEmpty
              ? 'Bars appear as steps start.'
              : `The filter leaves none of the steps that started.`}
          </EmptyState>
        ) : (
          <div className={styles.body} style={{ height: line.rows.length * ROW_HEIGHT }}>
            <div className={styles.grid} aria-hidden="true">
              {marks.map((at) => (
                <span key={at} style={placeOf(at)} />
              ))}
            </div>
            <ul
              aria-label="Steps by the time they started"
              className={styles.rows}
              style={{ top: window.first * ROW_HEIGHT }}
            >
              {rows}
            </ul>
          </div>
        )}
      </div>
      <ul className={styles.legend} aria-label="What the bars mean">
        <li>
          <span className={cx(styles.sample, styles.run)} /> executes
        </li>
        <li>
          <span className={cx(styles.sample, styles.wait)} /> waits for a slot
        </li>
        <li>
          <span className={cx(styles.sample, styles.queue)} /> waits in a queue
        </li>
        <li>
          <span className={cx(styles.sample, styles.retry)} /> before the next attempt
        </li>
        <li>
          <span className={cx(styles.sample, styles.group)} /> from its first element to its last
        </li>
        <li>
          <span className={cx(styles.sample, styles.instant)} /> cached
        </li>
      </ul>
    </div>
  );
}

/** How long the address waits for a stretch that is still being turned to. */
const PAUSE_MS = 300;

/** Which stretch of time is shown; in the address as `span`. */
function useZoom(
  length: number,
  axis: RefObject<HTMLDivElement | null>,
  scroller: RefObject<HTMLDivElement | null>,
) {
  const [address, change] = useQueryState();
  const [span, setSpan] = useState(() => readSpan(address.get('span'), length));
  useEffect(() => {
    const timer = setTimeout(() => change({ span: spanText(span) }, { replace: true }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [span, change]);
  const shown = span === undefined || span.to > length ? { from: 0, to: length } : span;
  const now = useRef({ shown, length });
  now.current = { shown, length };
  const zoomBy = useCallback((factor: number, around?: number) => {
    const { shown: from, length: whole } = now.current;
    setSpan(zoomed(from, factor, around ?? (from.from + from.to) / 2, whole));
  }, []);
  /** By a share of what is shown. */
  const moveBy = useCallback((share: number) => {
    const { shown: from, length: whole } = now.current;
    setSpan((before) => before && moved(from, share * (from.to - from.from), whole));
  }, []);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const wheel = (event: WheelEvent): void => {
      const box = axis.current?.getBoundingClientRect();
      if (box === undefined || box.width === 0) return;
      const sideways = event.deltaX === 0 && event.shiftKey ? event.deltaY : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        const { from, to } = now.current.shown;
        const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
        const factor = Math.min(1.6, Math.max(0.6, Math.exp(-event.deltaY * 0.01)));
        zoomBy(factor, from + share * (to - from));
      } else if (sideways !== 0) moveBy(sideways / box.width);
      else return;
      event.preventDefault();
    };
    // React's own wheel listeners are passive: they could not keep the page from zooming.
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [axis, scroller, zoomBy, moveBy]);
  return { shown, zoomBy, moveBy, showAll: useCallback(() => setSpan(undefined), []) };
}

function TimelineRow(props: {
  readonly row: Row;
  readonly index: number;
  readonly shown: Span;
  readonly selected: boolean;
  readonly onSelect: (step: string) => void;
}) {
  const { row, shown } = props;
  const { step } = row;
  const ran = row.segments.filter(({ kind }) => kind === 'run' || kind === 'group');
  const took = timeTaken(row);
  const label = labelPlace(row, shown);
  const words = `${step.name}, ${statusWord(step.status)}, starts at ${duration(row.segments[0]?.from ?? 0)}${ran.length === 0 ? '' : `, executes ${duration(took)}`}${ran.length > 1 ? ` in ${ran.length} attempts` : ''}${row.critical ? ', on the critical path' : ''}`;
  return (
    <li data-index={props.index} className={cx(styles.row, props.selected && styles.selected)}>
      <button
        type="button"
        aria-label={words}
        aria-pressed={props.selected}
        className={styles.name}
        title={step.name}
        onClick={() => props.onSelect(step.name)}
      >
        <StatusIcon status={step.status} />
        <span className={styles.label}>{step.name}</span>
        {row.critical ? <span className={styles.diamond} title="On the critical path" /> : null}
      </button>
      <div className={styles.bars} aria-hidden="true" onClick={() => props.onSelect(step.name)}>
        {row.segments.map((segment, index) => (
          <Bar
            key={index}
            segment={segment}
            shown={shown}
            colour={colourOf(segment, row)}
            critical={row.critical}
          />
        ))}
        {label === undefined ? null : (
          <span className={cx(styles.took, label.inside && styles.inside)} style={label.style}>
            {step.status === 'cached'
              ? 'cached'
              : ran.length === 0 || (label.inside && ran[0]?.kind === 'group')
                ? ''
                : duration(took)}
          </span>
        )}
      </div>
    </li>
  );
}

/** Behind the bars; before them where they end too late for that; inside of those that fill the row. */
function labelPlace(
  row: Row,
  shown: Span,
): { readonly inside: boolean; readonly style: CSSProperties } | undefined {
  const length = shown.to - shown.from;
  const end = ((row.segments.at(-1)?.to ?? 0) - shown.from) / length;
  const start = ((row.segments.find(({ kind }) => kind !== 'wait')?.from ?? 0) - shown.from) / length;
  if (end < 0 || start > 1) return undefined;
  if (end <= 0.88) return { inside: false, style: { left: `${end * 100}%` } };
  if (start >= 0.12) return { inside: false, style: { right: `${(1 - start) * 100}%` } };
  return { inside: true, style: { left: `${Math.max(0, start) * 100}%` } };
}

const colourOf = (segment: Segment, { step }: Row): string =>
  segment.kind === 'run' && segment.failed
    ? 'var(--failed)'
    : statusColour(segment.kind === 'run' && step.status === 'queued' ? 'failed' : step.status);

function Bar(props: {
  readonly segment: Segment;
  readonly shown: Span;
  readonly colour: string;
  readonly critical: boolean;
}) {
  const { segment, shown } = props;
  // What is beyond the stretch ends just outside of it.
  const place = (at: number): number =>
    Math.min(1.02, Math.max(-0.02, (at - shown.from) / (shown.to - shown.from)));
  if (segment.to < shown.from || segment.from > shown.to) return null;
  const left = `${place(segment.from) * 100}%`;
  const width = `${(place(segment.to) - place(segment.from)) * 100}%`;
  return (
    <span
      title={`${TITLES[segment.kind]} ${segment.kind === 'instant' ? '' : duration(segment.to - segment.from)}${segment.kind === 'run' ? ` (attempt ${segment.attempt}${segment.failed ? ', failed' : ''})` : ''}`}
      className={cx(
        styles.bar,
        styles[segment.kind],
        props.critical && segment.kind === 'run' && styles.critical,
      )}
      style={{
        left,
        width,
        ...(segment.kind === 'run' || segment.kind === 'instant' || segment.kind === 'group'
          ? { color: props.colour }
          : {}),
      }}
    />
  );
}

const TITLES: Readonly<Record<Segment['kind'], string>> = {
  wait: 'waits for a slot:',
  queue: 'waits in a queue:',
  run: 'executes:',
  retry: 'before the next attempt:',
  instant: 'from the cache',
  group: 'from its first element to its last:',
};
