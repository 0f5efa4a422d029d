import type { Report } from '@run-pipeline/core/model';
import { ArtifactView } from '../artifacts/artifact-view.js';
import { bytes } from '../design/amounts.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { Mark } from './marks.js';
import { plotData } from './plot-data.js';
import { isTooLarge, useStoredValue } from './stored-value.js';
import styles from './plots.module.css';

/** A plot whose numbers are an artifact. What we do not draw is shown as the value it is. */
export function StoredPlot({ report }: { readonly report: Extract<Report, { readonly kind: 'plot' }> }) {
  const { artifact, plot, title, series } = report;
  const value = useStoredValue(artifact);
  const name = series === title ? title : `${title}, ${series}`;
  const data = value.data === undefined ? undefined : plotData(plot, value.data.json);
  return (
    <figure className={styles.chart}>
      <figcaption className={styles.caption}>
        <h3 title={name}>{name}</h3>
      </figcaption>
      {isTooLarge(artifact) ? (
        <EmptyState title="It is too large to draw" small>
          {bytes(artifact.size)}
        </EmptyState>
      ) : value.isError ? (
        <Failed error={value.error} what="the plot" onRetry={() => void value.refetch()} small />
      ) : data === undefined ? (
        <Loading what="the plot" />
      ) : data.kind === 'other' ? (
        <ArtifactView artifact={artifact} bare />
      ) : (
        <Mark data={data} title={name} />
      )}
    </figure>
  );
}
