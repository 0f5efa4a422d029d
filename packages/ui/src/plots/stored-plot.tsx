import { useQuery } from '@tanstack/react-query';
import { ARTIFACT_BYTES } from '@run-pipeline/core/wire';
import type { Report } from '@run-pipeline/core/model';
import { ArtifactView } from '../artifacts/artifact-view.js';
import { ServerGone } from '../data/api.js';
import { bytes } from '../design/amounts.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { Mark } from './marks.js';
import { plotData } from './plot-data.js';
import styles from './plots.module.css';

/** Larger ones are for a program, not for a picture. */
const MOST_BYTES = 8_000_000;

/** A plot whose numbers are an artifact. What we do not draw is shown as the value it is. */
export function StoredPlot({ report }: { readonly report: Extract<Report, { readonly kind: 'plot' }> }) {
  const { artifact, plot, title, series } = report;
  const tooLarge = artifact.size > MOST_BYTES;
  const value = useQuery({
    queryKey: ['plot', artifact.hash],
    queryFn: async ({ signal }) => readValue(`${ARTIFACT_BYTES}${artifact.hash}`, signal),
    staleTime: Infinity,
    enabled: !tooLarge,
  });
  const name = series === title ? title : `${title}, ${series}`;
  const data = value.data === undefined ? undefined : plotData(plot, value.data.json);
  return (
    <figure className={styles.chart}>
      <figcaption className={styles.caption}>
        <h3 title={name}>{name}</h3>
      </figcaption>
      {tooLarge ? (
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

/** A value as superjson stores it; numbers that JSON has not are null in it, and are left out of pictures. */
async function readValue(address: string, signal: AbortSignal): Promise<{ readonly json: unknown }> {
  const response = await fetch(address, { signal, credentials: 'same-origin' }).catch(() => {
    throw new ServerGone();
  });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const parsed: unknown = await response.json();
  return typeof parsed === 'object' && parsed !== null && 'json' in parsed
    ? (parsed as { readonly json: unknown })
    : { json: undefined };
}
