import { useState } from 'react';
import { Link } from 'wouter';
import { runHref } from '../address/links.js';
import { useResource } from '../data/queries.js';
import { bytes, shortHash } from '../design/amounts.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Facts, Section } from '../design/facts.js';
import { Failed } from '../design/failed.js';
import type { StepTabProps } from '../step-tab/step-tab.js';
import body from '../step-tab/tab-body.module.css';
import { CodeDifferences, CodeLines } from './code-lines.js';
import styles from './code-tab.module.css';

/** The user's own lines that the step executed: everything it reaches, and nothing else. */
export default function CodeTab({ live, step }: StepTabProps) {
  const [comparing, setComparing] = useState(false);
  const code = useResource(
    'GET /api/runs/:run/steps/:step/code',
    { path: { run: live.view.id, step: step.name }, query: undefined },
    { staleTime: step.finishedAt === undefined ? 2000 : Infinity },
  );
  if (code.isError)
    return <Failed error={code.error} what="the code" onRetry={() => void code.refetch()} small />;
  if (code.data === undefined) return <Loading what="code" />;
  const { pieces, before, assets } = code.data;
  if (pieces.length === 0)
    return (
      <EmptyState title="Its code is not known" small>
        {step.status === 'created' || step.status === 'queued'
          ? 'It is kept when the step runs.'
          : 'The package of this step was removed by npx run-pipeline gc.'}
      </EmptyState>
    );
  return (
    <div className={body.body}>
      {before === undefined ? null : (
        <p className={styles.compare}>
          <label className={body.toggle}>
            <input type="checkbox" checked={comparing} onChange={() => setComparing(!comparing)} />
            compare with run{' '}
          </label>{' '}
          <Link href={runHref(before.run, { step: step.name, tab: 'code' })}>#{before.number}</Link>, the last
          one with other code
        </p>
      )}
      {comparing && before !== undefined ? (
        <CodeDifferences before={before.pieces} now={pieces} />
      ) : (
        pieces.map((piece) => <CodeLines key={`${piece.file}:${piece.line}:${piece.name}`} piece={piece} />)
      )}
      {assets.length === 0 ? null : (
        <Section title="Files that come with it">
          <Facts facts={assets.map(({ path, size }) => [path, bytes(size)] as const)} />
        </Section>
      )}
      {code.data.package === undefined ? null : (
        <p className={styles.package} title={code.data.package}>
          package {shortHash(code.data.package)}
        </p>
      )}
    </div>
  );
}
