import { Link } from 'wouter';
import { runHref } from '../address/links.js';
import { ArtifactView } from '../artifacts/artifact-view.js';
import { useResource } from '../data/queries.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { CodeDifferences } from '../step/code-lines.js';
import type { Comparison, Row } from './comparison.js';
import styles from './compare.module.css';

/** So many stand beside each other and can still be read. */
const MOST = 4;

/** A row looked into: the contents of artifacts beside each other, the code of a step as a difference. */
export function SideBySide(props: {
  readonly row: Row;
  readonly comparison: Comparison;
  readonly base: number;
  readonly section: string;
}) {
  const { row, comparison, base, section } = props;
  const others = comparison.runs
    .map((_, index) => index)
    .filter((index) => index !== base && row.cells[index] !== undefined);
  if (section === 'steps') {
    const [other] = others;
    const step = row.step ?? row.name;
    if (other === undefined || row.cells[base] === undefined)
      return <EmptyState title="Only one of them has this step" small />;
    return <StepCode step={step} base={comparison.runs[base]!.item} other={comparison.runs[other]!.item} />;
  }
  return (
    <div className={styles.beside}>
      {[base, ...others].slice(0, MOST).map((index) => {
        const { item } = comparison.runs[index]!;
        const cell = row.cells[index];
        return (
          <section key={item.id} className={styles.side} aria-label={`${row.name} of #${item.number}`}>
            <h2>
              <Link
                href={runHref(item.id, {
                  step: cell?.step?.name,
                  tab: 'artifacts',
                  artifact: cell?.artifact?.name,
                })}
              >
                {item.pipeline} #{item.number}
              </Link>
            </h2>
            {cell?.artifact === undefined ? (
              <EmptyState title="It has none" small />
            ) : (
              <ArtifactView artifact={cell.artifact} bare />
            )}
          </section>
        );
      })}
    </div>
  );
}

function StepCode(props: {
  readonly step: string;
  readonly base: { readonly id: string; readonly number: number };
  readonly other: { readonly id: string; readonly number: number };
}) {
  const { step, base, other } = props;
  const before = useResource('GET /api/runs/:run/steps/:step/code', {
    path: { run: base.id, step },
    query: undefined,
  });
  const now = useResource('GET /api/runs/:run/steps/:step/code', {
    path: { run: other.id, step },
    query: undefined,
  });
  const failed = before.error ?? now.error;
  if (failed !== null)
    return (
      <Failed
        error={failed}
        what="the code"
        onRetry={() => void Promise.all([before.refetch(), now.refetch()])}
        small
      />
    );
  if (before.data === undefined || now.data === undefined) return <Loading what="the code" />;
  return (
    <div className={styles.code}>
      <p className={styles.note}>
        Code of {step} in <Link href={runHref(base.id, { step, tab: 'code' })}>#{base.number}</Link> and{' '}
        <Link href={runHref(other.id, { step, tab: 'code' })}>#{other.number}</Link>;{' '}
        <Link href={runHref(other.id, { step, tab: 'why' })}>why it ran</Link>
      </p>
      <CodeDifferences before={before.data.pieces} now={now.data.pieces} />
    </div>
  );
}
