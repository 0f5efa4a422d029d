import { useMemo } from 'react';
import type { Report } from '@run-pipeline/core/model';
import { metric } from '../design/amounts.js';
import { latestReports } from '../plots/latest-reports.js';
import { Mark } from '../plots/marks.js';
import { plotData } from '../plots/plot-data.js';
import { ReportedTable, reportedRows } from '../plots/reported-table.js';
import { ScalarChart } from '../plots/scalar-chart.js';
import { ScalarCollector } from '../plots/scalar-series.js';
import plots from '../plots/plots.module.css';
import { ArtifactContent } from './artifact-content.js';
import { useReportedRun } from './reported-run.js';
import styles from './report.module.css';

/** What was reported: values, scalars over iterations, plots, images, tables, texts. */
export function ReportedPlots({
  reports,
  sync,
}: {
  readonly reports: readonly Report[];
  readonly sync: string;
}) {
  const { run } = useReportedRun();
  const charts = useMemo(() => new ScalarCollector().charts(reports), [reports]);
  const rest = useMemo(() => latestReports(reports), [reports]);
  return (
    <div className={styles.reports}>
      {rest.values.length === 0 ? null : (
        <dl className={plots.values}>
          {rest.values.map(({ name, value }) => (
            <div key={name} className={plots.value}>
              <dt title={name}>{name}</dt>
              <dd title={String(value)}>{metric(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      <div className={plots.charts}>
        {charts.map(({ title, series }) => (
          <ScalarChart key={title} title={title} series={series} smoothing={0} log={false} sync={sync} />
        ))}
        {rest.plots.map(({ plot, title, series, artifact }) => {
          const name = nameOf(title, series);
          const value = run.content(artifact.hash)?.value;
          const data = value === undefined ? undefined : plotData(plot, value);
          if (data === undefined || data.kind === 'other')
            return <ArtifactContent key={name} artifact={{ ...artifact, name }} />;
          return (
            <figure key={name} className={plots.chart}>
              <figcaption className={plots.caption}>
                <h3 title={name}>{name}</h3>
              </figcaption>
              <Mark data={data} title={name} />
            </figure>
          );
        })}
        {rest.images.map(({ title, series, artifact }) => {
          const name = nameOf(title, series);
          return <ArtifactContent key={name} artifact={{ ...artifact, name }} />;
        })}
      </div>
      {rest.tables.map(({ title, series, artifact }) => {
        const name = nameOf(title, series);
        const table = reportedRows(run.content(artifact.hash)?.value);
        if (table === undefined) return <ArtifactContent key={name} artifact={{ ...artifact, name }} />;
        return (
          <figure key={name} className={plots.chart}>
            <figcaption className={plots.caption}>
              <h3>{name}</h3>
            </figcaption>
            <ReportedTable table={table} label={name} />
          </figure>
        );
      })}
      {rest.texts.map(({ title, text }, index) => (
        <figure key={index} className={plots.chart}>
          <figcaption className={plots.caption}>
            <h3>{title ?? 'Text'}</h3>
          </figcaption>
          <pre className={plots.text}>{text}</pre>
        </figure>
      ))}
    </div>
  );
}

const nameOf = (title: string, series: string): string => (series === title ? title : `${title}, ${series}`);
