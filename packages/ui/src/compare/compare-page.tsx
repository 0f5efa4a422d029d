import { useMemo } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { runHref, runsHref } from '../address/links.js';
import { useQueryState } from '../address/search.js';
import { ask } from '../data/api.js';
import { useMinutes } from '../data/clock.js';
import { many } from '../design/amounts.js';
import { Button, IconButton } from '../design/button.js';
import { cx } from '../design/class-names.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { CloseIcon } from '../design/icons.js';
import { Status, StatusIcon } from '../design/status-icon.js';
import { Ago } from '../design/time.js';
import { useTitle } from '../design/title.js';
import { compareRuns, type Comparison, type Row } from './comparison.js';
import { CodeDifference } from './code-difference.js';
import { DrawnDifference } from './drawn-difference.js';
import { OverlaidScalars } from './overlaid-scalars.js';
import { SideBySide } from './side-by-side.js';
import styles from './compare.module.css';

const MOST = 20;

/** 2 to 20 runs beside each other: what differs, or everything. */
export default function ComparePage() {
  useTitle('Compare');
  const [address, change] = useQueryState();
  const ids = useMemo(
    () => [...new Set((address.get('runs') ?? '').split(',').filter((id) => id !== ''))].slice(0, MOST),
    [address],
  );
  const runs = useQuery({
    queryKey: ['compare', ids],
    queryFn: ({ signal }) =>
      Promise.all(ids.map((run) => ask('GET /api/runs/:run', { path: { run }, signal }))),
    enabled: ids.length >= 2,
    placeholderData: (before) => before,
  });
  const comparison = useMemo(
    () => (runs.data === undefined ? undefined : compareRuns(runs.data)),
    [runs.data],
  );
  if (ids.length < 2)
    return (
      <EmptyState title="Choose the runs to compare" whole>
        <p>Two to twenty of them, by their boxes in the list.</p>
        <Link href={runsHref()}>All runs</Link>
      </EmptyState>
    );
  if (runs.isError) return <Failed error={runs.error} what="the runs" onRetry={() => void runs.refetch()} />;
  if (comparison === undefined) return <Loading what="the runs" />;
  const all = address.get('all') === '1';
  const base = Math.max(
    0,
    comparison.runs.findIndex(({ item }) => item.id === address.get('base')),
  );
  const sections = (['facts', 'parameters', 'metrics', 'steps', 'artifacts'] as const).map((id) => ({
    id,
    rows: comparison[id].filter(({ differs, cells }) =>
      all ? cells.some((cell) => cell !== undefined) : differs,
    ),
    total: comparison[id].length,
  }));
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1 className={styles.title}>Compare {many(comparison.runs.length, 'run')}</h1>
        <label className={styles.toggle}>
          <input
            type="checkbox"
            checked={all}
            onChange={() => change({ all: all ? undefined : '1' }, { replace: true })}
          />
          also what is the same
        </label>
      </header>
      <div className={styles.scroller} tabIndex={0} role="region" aria-label="Comparison">
        <table className={styles.table}>
          <Head comparison={comparison} base={base} />
          {sections.map(({ id, rows, total }) => (
            <tbody key={id}>
              <tr>
                <th scope="rowgroup" colSpan={comparison.runs.length + 1} className={styles.section}>
                  {TITLES[id]}
                  <span className={styles.note}>
                    {rows.length === 0
                      ? total === 0
                        ? 'none'
                        : 'no difference'
                      : all
                        ? ''
                        : total === rows.length
                          ? ''
                          : `${rows.length} of ${total} differ`}
                  </span>
                </th>
              </tr>
              {rows.slice(0, MOST_ROWS).map((row) => (
                <Line
                  key={row.key}
                  row={row}
                  base={base}
                  comparison={comparison}
                  open={address.get('open') === `${id} ${row.key}`}
                  section={id}
                />
              ))}
              {rows.length > MOST_ROWS ? (
                <tr>
                  <td colSpan={comparison.runs.length + 1} className={styles.note}>
                    and {rows.length - MOST_ROWS} more
                  </td>
                </tr>
              ) : null}
            </tbody>
          ))}
        </table>
        <TwoRuns comparison={comparison} base={base} />
        <OverlaidScalars comparison={comparison} />
      </div>
    </div>
  );
}

/** What can be shown of two runs only: the base and another one. */
function TwoRuns({ comparison, base }: { readonly comparison: Comparison; readonly base: number }) {
  const [address, change] = useQueryState();
  const others = comparison.runs.map((_, index) => index).filter((index) => index !== base);
  const asked = others.find((index) => comparison.runs[index]?.item.id === address.get('with'));
  const other = asked ?? others[0];
  if (other === undefined) return null;
  const name = (index: number): string => {
    const { pipeline, number } = comparison.runs[index]!.item;
    return `${pipeline} #${number}`;
  };
  const between = `${name(base)} → ${name(other)}`;
  const open = (step: string): void => {
    const differs = comparison.steps.find(({ name: known }) => known === step)?.differs === true;
    change({ open: `steps ${step}`, ...(differs ? {} : { all: '1' }) }, { replace: true });
    // The line is drawn, or opened, first.
    requestAnimationFrame(() =>
      document.getElementById(`compared steps ${step}`)?.scrollIntoView({ block: 'center' }),
    );
  };
  return (
    <>
      <section className={styles.scalars} aria-label="Graph">
        <div className={styles.options}>
          <h2>Graph</h2>
          {others.length === 1 ? (
            <span>{between}</span>
          ) : (
            <label>
              {name(base)} →{' '}
              <select
                aria-label="Compare the base with"
                value={comparison.runs[other]!.item.id}
                onChange={({ target }) => change({ with: target.value }, { replace: true })}
              >
                {others.map((index) => (
                  <option key={index} value={comparison.runs[index]!.item.id}>
                    {name(index)}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
        <DrawnDifference comparison={comparison} base={base} other={other} onOpen={open} />
      </section>
      <section className={styles.scalars} aria-label="Code">
        <div className={styles.options}>
          <h2>Code</h2>
          <span>{between}</span>
        </div>
        <CodeDifference comparison={comparison} base={base} other={other} />
      </section>
    </>
  );
}

const TITLES = {
  facts: 'Run',
  parameters: 'Parameters',
  metrics: 'Metrics',
  steps: 'Steps',
  artifacts: 'Artifacts',
} as const;
/** So many rows are looked at; a browser has to hold all of them. */
const MOST_ROWS = 400;

function Head({ comparison, base }: { readonly comparison: Comparison; readonly base: number }) {
  const [, change] = useQueryState();
  const now = useMinutes();
  const ids = comparison.runs.map(({ item }) => item.id);
  return (
    <thead>
      <tr>
        <td className={styles.corner} />
        {comparison.runs.map(({ item, view }, index) => (
          <th key={item.id} scope="col" className={cx(styles.run, index === base && styles.base)}>
            <div className={styles.runLine}>
              <StatusIcon status={view.status} />
              <Link
                href={runHref(item.id)}
                className={styles.runName ?? ''}
                title={`${item.pipeline} #${item.number}`}
              >
                {item.pipeline} #{item.number}
              </Link>
              {ids.length > 2 ? (
                <IconButton
                  label={`Leave out ${item.pipeline} #${item.number}`}
                  onClick={() =>
                    change({ runs: ids.filter((id) => id !== item.id).join(',') }, { replace: true })
                  }
                >
                  <CloseIcon size={12} />
                </IconButton>
              ) : null}
            </div>
            <div className={styles.runLine}>
              <Ago at={item.startedAt ?? item.createdAt} now={now} className={styles.note} />
              {index === base ? (
                <span className={styles.note}>· base</span>
              ) : (
                <Button
                  kind="quiet"
                  className={styles.makeBase}
                  onClick={() => change({ base: item.id }, { replace: true })}
                >
                  make it the base
                </Button>
              )}
            </div>
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Line(props: {
  readonly row: Row;
  readonly base: number;
  readonly comparison: Comparison;
  readonly open: boolean;
  readonly section: string;
}) {
  const { row, base, comparison, open, section } = props;
  const [, change] = useQueryState();
  const opens = section === 'steps' || section === 'artifacts';
  const reference = row.cells[base];
  return (
    <>
      <tr id={`compared ${section} ${row.key}`} className={styles.row}>
        <th scope="row" className={styles.name} title={row.name}>
          {opens ? (
            <button
              type="button"
              className={styles.open}
              aria-expanded={open}
              onClick={() => change({ open: open ? undefined : `${section} ${row.key}` }, { replace: true })}
            >
              {row.name}
            </button>
          ) : (
            row.name
          )}
        </th>
        {row.cells.map((cell, index) => {
          const differs = index !== base && cell?.same !== reference?.same;
          return (
            <td
              key={comparison.runs[index]!.item.id}
              className={cx(styles.cell, differs && styles.differs, index === base && styles.base)}
              title={cell?.text}
            >
              {cell === undefined ? (
                <span className={styles.none}>not there</span>
              ) : cell.step !== undefined && cell.artifact === undefined ? (
                <Status status={cell.step.status} {...noteOf(cell.text)} />
              ) : (
                cell.text
              )}
              {differs && cell !== undefined ? (
                <span className={styles.hidden}> differs from the base</span>
              ) : null}
            </td>
          );
        })}
      </tr>
      {open ? (
        <tr>
          <td colSpan={comparison.runs.length + 1} className={styles.inside}>
            <SideBySide row={row} comparison={comparison} base={base} section={section} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

const noteOf = (text: string): { readonly note?: string } => {
  const comma = text.indexOf(', ');
  return comma < 0 ? {} : { note: text.slice(comma + 2) };
};
