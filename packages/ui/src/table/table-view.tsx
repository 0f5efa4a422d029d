import { useMemo, type ReactNode } from 'react';
import { Link } from 'wouter';
import { runHref, type View, VIEWS } from '../address/links.js';
import { oneOf, useQueryState } from '../address/search.js';
import { useSeconds } from '../data/clock.js';
import { useStep, useVersion, type LiveRun } from '../data/live-run.js';
import type { StepFilter } from '../data/step-filter.js';
import { bytes, count, duration, elapsed, many } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { EmptyState } from '../design/empty-state.js';
import { DownIcon, UpIcon } from '../design/icons.js';
import { Status } from '../design/status-icon.js';
import { absolute } from '../design/time.js';
import { useWindow } from '../design/virtual-list.js';
import { useKeys } from '../keyboard/keys.js';
import { nextSorting, parseSorting, sorted, type Column } from './sorting.js';
import styles from './table.module.css';

const ROW_HEIGHT = 34;

const HEADS: readonly {
  readonly column: Column | undefined;
  readonly name: string;
  readonly className: string;
}[] = [
  { column: 'status', name: 'Status', className: 'status' },
  { column: 'name', name: 'Step', className: 'step' },
  { column: 'duration', name: 'Duration', className: 'number' },
  { column: 'start', name: 'Start', className: 'number' },
  { column: 'attempts', name: 'Attempts', className: 'attempts' },
  { column: 'artifacts', name: 'Artifacts', className: 'artifacts' },
  { column: undefined, name: 'After', className: 'after' },
  { column: undefined, name: 'Why', className: 'why' },
];

/** Every step as a row: what the graph shows, to read, to sort and to filter. */
export default function TableView(props: {
  readonly live: LiveRun;
  readonly filter: StepFilter;
  readonly step: string | undefined;
  readonly onSelect: (step: string | undefined, options?: { readonly replace?: boolean }) => void;
}) {
  const { live, filter, step: selected, onSelect } = props;
  const [address, change] = useQueryState();
  const version = useVersion(live);
  const sorting = parseSorting(address.get('sort'));
  const steps = useMemo(
    () =>
      sorted(
        live.steps().filter((step) => filter.matches(step)),
        sorting,
      ),
    [version, live, filter, sorting.by, sorting.descending],
  );
  const { scroller, window, onScroll, reveal } = useWindow({ count: steps.length, rowHeight: ROW_HEIGHT });
  const move = (by: number): void => {
    const row = document.activeElement?.closest<HTMLElement>('tr[data-index]');
    const at =
      row === null || row === undefined
        ? steps.findIndex(({ name }) => name === selected)
        : Number(row.dataset['index']);
    const to = Math.max(0, Math.min(steps.length - 1, at + by));
    reveal(to);
    if (selected !== undefined && steps[to] !== undefined) onSelect(steps[to].name, { replace: true });
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        scroller.current
          ?.querySelector<HTMLElement>(`tr[data-index="${to}"] a`)
          ?.focus({ preventScroll: true }),
      ),
    );
  };
  useKeys({ j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) });
  if (steps.length === 0)
    return (
      <EmptyState title="No step is like that" live>
        The filter leaves none of {many(live.view.steps.size, 'step')}.
      </EmptyState>
    );
  const rows: ReactNode[] = [];
  for (let index = window.first; index < Math.min(window.end, steps.length); index++) {
    const { name } = steps[index]!;
    rows.push(
      <Row key={name} live={live} name={name} index={index} selected={name === selected} query={address} />,
    );
  }
  return (
    <div ref={scroller} className={styles.scroller} onScroll={onScroll}>
      <table className={styles.table} aria-label="Steps" aria-rowcount={steps.length + 1}>
        <thead>
          <tr>
            {HEADS.map(({ column, name, className }) => (
              <th
                key={name}
                scope="col"
                className={styles[className]}
                aria-sort={
                  column === undefined
                    ? undefined
                    : sorting.by !== column
                      ? 'none'
                      : sorting.descending
                        ? 'descending'
                        : 'ascending'
                }
              >
                {column === undefined ? (
                  name
                ) : (
                  <button
                    type="button"
                    className={styles.sort}
                    onClick={() => change({ sort: nextSorting(sorting, column) }, { replace: true })}
                  >
                    {name}
                    {sorting.by !== column ? null : sorting.descending ? (
                      <DownIcon size={12} />
                    ) : (
                      <UpIcon size={12} />
                    )}
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {window.first === 0 ? null : (
            <tr aria-hidden="true" style={{ height: window.first * ROW_HEIGHT }} />
          )}
          {rows}
          {window.end >= steps.length ? null : (
            <tr aria-hidden="true" style={{ height: (steps.length - window.end) * ROW_HEIGHT }} />
          )}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: {
  readonly live: LiveRun;
  readonly name: string;
  readonly index: number;
  readonly selected: boolean;
  readonly query: URLSearchParams;
}) {
  const { live, name, query } = props;
  const step = useStep(live, name);
  const lost = live.view.status === 'lost';
  const now = useSeconds(step?.status === 'running' && !lost);
  if (step === undefined) return null;
  const started = step.startedAt;
  const since =
    started === undefined || live.view.startedAt === undefined
      ? undefined
      : Date.parse(started) - Date.parse(live.view.startedAt);
  const size = step.artifacts.reduce((sum, artifact) => sum + artifact.size, 0);
  const href = runHref(live.view.id, {
    view: oneOf<View>(VIEWS, query.get('view')),
    q: query.get('q') ?? undefined,
    step: name,
  });
  return (
    <tr
      data-index={props.index}
      aria-rowindex={props.index + 2}
      aria-selected={props.selected}
      className={cx(styles.row, props.selected && styles.selected)}
    >
      <td className={styles.status}>
        <Status status={step.status} />
      </td>
      <td className={styles.step}>
        <Link href={withSort(href, query.get('sort'))} className={styles.name ?? ''} title={name}>
          {name}
        </Link>
      </td>
      <td className={styles.number}>
        {step.status === 'running' && lost ? (
          'interrupted'
        ) : step.status === 'running' && step.attemptStartedAt !== undefined ? (
          elapsed(now - Date.parse(step.attemptStartedAt))
        ) : step.status === 'cached' ? (
          step.savedMs === undefined ? (
            ''
          ) : (
            <span className={styles.quiet} title="What the cache saved">
              {duration(step.savedMs)} saved
            </span>
          )
        ) : step.durationMs === undefined || step.status === 'skipped' ? (
          ''
        ) : (
          duration(step.durationMs)
        )}
      </td>
      <td className={styles.number} title={started === undefined ? undefined : absolute(started)}>
        {since === undefined ? '' : `+${duration(since)}`}
      </td>
      <td className={styles.attempts}>{step.attempts === 0 ? '' : count(step.attempts)}</td>
      <td
        className={styles.artifacts}
        title={step.artifacts.map((artifact) => `${artifact.name}: ${bytes(artifact.size)}`).join('\n')}
      >
        {step.artifacts.length === 0 ? '' : `${count(step.artifacts.length)} · ${bytes(size)}`}
      </td>
      <td className={styles.after} title={step.parents.join('\n')}>
        {step.parents.join(', ')}
      </td>
      <td className={styles.why} title={step.error?.message ?? step.why[0]}>
        {step.error === undefined ? (
          (step.why[0] ?? '')
        ) : (
          <span className={styles.error}>{step.error.message}</span>
        )}
      </td>
    </tr>
  );
}

const withSort = (href: string, sort: string | null): string =>
  sort === null ? href : `${href}&sort=${encodeURIComponent(sort)}`;
