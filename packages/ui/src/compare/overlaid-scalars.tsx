import { useMemo, useState } from 'react';
import { ScalarChart } from '../plots/scalar-chart.js';
import { ScalarCollector, type Chart, type Series } from '../plots/scalar-series.js';
import type { Comparison } from './comparison.js';
import styles from './compare.module.css';

/** So many charts are drawn; the rest is on the pages of the steps. */
const MOST = 24;

/** Scalars of the same step and title of all runs in one chart. */
export function OverlaidScalars({ comparison }: { readonly comparison: Comparison }) {
  const [log, setLog] = useState(false);
  const [smoothing, setSmoothing] = useState(0);
  const charts = useMemo(() => overlay(comparison), [comparison]);
  if (charts.length === 0) return null;
  return (
    <section className={styles.scalars} aria-label="Scalars">
      <div className={styles.options}>
        <h2>Scalars</h2>
        <label>
          Smoothing{' '}
          <input
            type="range"
            min="0"
            max="0.98"
            step="0.02"
            value={smoothing}
            onChange={({ target }) => setSmoothing(Number(target.value))}
          />
        </label>
        <label className={styles.toggle}>
          <input type="checkbox" checked={log} onChange={() => setLog(!log)} />
          log axis
        </label>
      </div>
      <div className={styles.charts}>
        {charts.slice(0, MOST).map((chart) => (
          <ScalarChart
            key={chart.title}
            title={chart.title}
            series={chart.series}
            smoothing={smoothing}
            log={log && chart.series.every(({ ys }) => ys.every((y) => y > 0))}
            sync="compare"
          />
        ))}
      </div>
      {charts.length > MOST ? <p className={styles.note}>and {charts.length - MOST} more</p> : null}
    </section>
  );
}

function overlay({ runs }: Comparison): readonly Chart[] {
  const found = new Map<string, Series[]>();
  for (const { item, view } of runs)
    for (const step of view.steps)
      for (const chart of new ScalarCollector().charts(step.reports)) {
        const title = `${step.name}: ${chart.title}`;
        const series = found.get(title) ?? [];
        found.set(title, series);
        for (const one of chart.series) series.push({ ...one, name: `#${item.number} ${one.name}` });
      }
  return [...found].map(([title, series]) => ({ title, series }));
}
