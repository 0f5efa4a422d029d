import { useEffect, type ReactNode } from 'react';
import type { RunListItem } from '@run-pipeline/core/wire';
import { useWindow } from '../design/virtual-list.js';
import { useKeys } from '../keyboard/keys.js';
import type { Shown } from './differing.js';
import { RunRow } from './run-row.js';
import styles from './runs-table.module.css';

export const ROW_HEIGHT = 53;
const NOTHING: readonly Shown[] = [];

/** Lines of runs, as many as are seen. `onEnd`: the last of those that are known comes into sight. */
export function RunsTable(props: {
  readonly runs: readonly RunListItem[];
  readonly total: number;
  readonly parameters: ReadonlyMap<string, readonly Shown[]>;
  readonly metrics: readonly string[];
  readonly withProject: boolean;
  readonly chosen: readonly string[];
  readonly onChoose: (run: string) => void;
  readonly onEnd: () => void;
  readonly foot: ReactNode;
}) {
  const { runs, onEnd } = props;
  const { scroller, window, onScroll, reveal } = useWindow({ count: runs.length, rowHeight: ROW_HEIGHT });
  const nearEnd = window.end >= runs.length;
  useEffect(() => {
    if (nearEnd) onEnd();
  }, [nearEnd, onEnd, runs.length]);
  const focused = (): number => {
    const row = document.activeElement?.closest<HTMLElement>('tr[data-index]');
    return row === null || row === undefined ? -1 : Number(row.dataset['index']);
  };
  const move = (by: number): void => {
    const to = Math.max(0, Math.min(runs.length - 1, focused() + by));
    reveal(to);
    // The row may be drawn only after the scrolling.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        scroller.current
          ?.querySelector<HTMLElement>(`tr[data-index="${to}"] a`)
          ?.focus({ preventScroll: true }),
      ),
    );
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    x: () => {
      const run = runs[focused()];
      if (run !== undefined) props.onChoose(run.id);
    },
  });
  const rows: ReactNode[] = [];
  for (let index = window.first; index < Math.min(window.end, runs.length); index++) {
    const run = runs[index]!;
    rows.push(
      <RunRow
        key={run.id}
        run={run}
        index={index}
        parameters={props.parameters.get(run.id) ?? NOTHING}
        metrics={props.metrics}
        withProject={props.withProject}
        chosen={props.chosen.includes(run.id)}
        onChoose={props.onChoose}
      />,
    );
  }
  return (
    <div ref={scroller} className={styles.scroller} onScroll={onScroll}>
      <table className={styles.table} aria-label="Runs" aria-rowcount={props.total + 1}>
        <thead>
          <tr>
            <th scope="col" className={styles.choose}>
              <span className={styles.hidden}>Choose</span>
            </th>
            <th scope="col" className={styles.statusCell}>
              Status
            </th>
            <th scope="col">Run</th>
            <th scope="col" className={styles.parametersCell}>
              Parameters that differ
            </th>
            {props.metrics.map((name) => (
              <th key={name} scope="col" className={styles.metricCell} title={name}>
                {name}
              </th>
            ))}
            <th scope="col" className={styles.stepsCell}>
              Steps
            </th>
            <th scope="col" className={styles.timeCell}>
              Time
            </th>
          </tr>
        </thead>
        <tbody>
          <Spacer height={window.first * ROW_HEIGHT} />
          {rows}
          <Spacer height={Math.max(0, runs.length - window.end) * ROW_HEIGHT} />
        </tbody>
      </table>
      {props.foot}
    </div>
  );
}

const Spacer = ({ height }: { readonly height: number }) =>
  height === 0 ? null : <tr aria-hidden="true" style={{ height }} />;
