import type { ArtifactRecord } from '@run-pipeline/core/model';
import { useQueryState } from '../address/search.js';
import { bytes } from '../design/amounts.js';
import { cx } from '../design/class-names.js';
import { EmptyState } from '../design/empty-state.js';
import { ArtifactView } from './artifact-view.js';
import styles from './artifacts.module.css';

/** Artifacts by name, and the one of the address (else the first) looked into. */
export function ArtifactList(props: {
  readonly artifacts: readonly ArtifactRecord[];
  readonly none: string;
}) {
  const { artifacts } = props;
  const [address, change] = useQueryState();
  const asked = address.get('artifact');
  const selected = artifacts.find(({ name }) => name === asked) ?? artifacts[0];
  if (selected === undefined) return <EmptyState title={props.none} small />;
  return (
    <div className={styles.artifacts}>
      {artifacts.length === 1 && (asked === null || asked === selected.name) ? null : (
        <ul className={styles.list} aria-label="Artifacts">
          {artifacts.map((artifact) => (
            <li key={artifact.name}>
              <button
                type="button"
                aria-pressed={artifact.name === selected.name}
                className={cx(styles.entry, artifact.name === selected.name && styles.selected)}
                onClick={() => change({ artifact: artifact.name }, { replace: true })}
              >
                <span className={styles.name} title={artifact.name}>
                  {artifact.name}
                </span>
                <span className={styles.fact}>{artifact.type}</span>
                <span className={styles.fact}>{bytes(artifact.size)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <ArtifactView key={`${selected.name} ${selected.hash}`} artifact={selected} />
    </div>
  );
}
