import { useMemo, useRef, useState } from 'react';
import type { Report } from '@run-pipeline/core/model';
import { ArtifactView } from '../artifacts/artifact-view.js';
import { shownHref } from '../artifacts/artifact-source.js';
import { metric } from '../design/amounts.js';
import { Section } from '../design/facts.js';
import { latestReports } from './latest-reports.js';
import { ScalarChart } from './scalar-chart.js';
import { ScalarCollector } from './scalar-series.js';
import { StoredPlot } from './stored-plot.js';
import { StoredTable } from './stored-table.js';
import styles from './plots.module.css';

/** Everything a step or a task reported: values, scalars, texts, tables, plots, images. */
export function ReportsView(props: {
  readonly reports: readonly Report[];
  /** Charts with the same word share a cursor. */
  readonly sync: string;
}) {
  const { reports } = props;
  const [smoothing, setSmoothing] = useState(0);
  const [log, setLog] = useState(false);
  const collector = useRef<ScalarCollector | undefined>(undefined);
  collector.current ??= new ScalarCollector();
  const charts = collector.current.charts(reports);
  const rest = useMemo(() => latestReports(reports), [reports, reports.length]);
  return (
    <div className={styles.reports}>
      {rest.values.length === 0 ? null : (
        <dl className={styles.values}>
          {rest.values.map(({ name, value }) => (
            <div key={name} className={styles.value}>
              <dt title={name}>{name}</dt>
              <dd title={String(value)}>{metric(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {charts.length === 0 ? null : (
        <div className={styles.options}>
          <label className={styles.option}>
            Smoothing
            <input
              type="range"
              min="0"
              max="0.98"
              step="0.02"
              value={smoothing}
              onChange={({ target }) => setSmoothing(Number(target.value))}
            />
            <span className={styles.last}>{smoothing.toFixed(2)}</span>
          </label>
          <label className={styles.option}>
            <input type="checkbox" checked={log} onChange={() => setLog(!log)} />
            log axis
          </label>
        </div>
      )}
      <div className={styles.charts}>
        {charts.map((chart) => (
          <ScalarChart
            key={chart.title}
            title={chart.title}
            series={chart.series}
            smoothing={smoothing}
            log={log && isPositive(chart.series)}
            sync={props.sync}
          />
        ))}
        {rest.plots.map((report) => (
          <StoredPlot key={`${report.title}\n${report.series}`} report={report} />
        ))}
        {rest.images.map((report) => (
          <figure key={`${report.title}\n${report.series}`} className={styles.chart}>
            <figcaption className={styles.caption}>
              <h3>{report.series === report.title ? report.title : `${report.title}, ${report.series}`}</h3>
            </figcaption>
            {report.kind === 'image' ? (
              <img
                className={styles.image}
                src={shownHref(report.artifact)}
                alt={`${report.title} ${report.series}`}
              />
            ) : (
              <ArtifactView artifact={report.artifact} />
            )}
          </figure>
        ))}
      </div>
      {rest.tables.map((report) => (
        <Section
          key={`${report.title}\n${report.series}`}
          title={report.series === report.title ? report.title : `${report.title}, ${report.series}`}
        >
          <StoredTable artifact={report.artifact} label={report.title} />
        </Section>
      ))}
      {rest.texts.map((report, index) => (
        <Section key={index} title={report.title ?? 'Text'}>
          <pre className={styles.text}>{report.text}</pre>
        </Section>
      ))}
    </div>
  );
}

/** A log axis has no place for zero and below. */
const isPositive = (series: readonly { readonly ys: readonly number[] }[]): boolean =>
  series.every(({ ys }) => ys.every((y) => !(y <= 0)));
