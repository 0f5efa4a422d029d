import { useState } from 'react';
import { Link } from 'wouter';
import type { StepWhy } from '@run-pipeline/core/wire';
import { runHref } from '../address/links.js';
import { useResource } from '../data/queries.js';
import { shortHash } from '../design/amounts.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Section } from '../design/facts.js';
import { Failed } from '../design/failed.js';
import { StepLink } from '../step-tab/step-link.js';
import type { StepTabProps } from '../step-tab/step-tab.js';
import body from '../step-tab/tab-body.module.css';

/** Why it ran, was taken from the cache, or was skipped: one sentence, then what it is made of. */
export default function WhyTab({ live, step, onSelect }: StepTabProps) {
  const [all, setAll] = useState(false);
  const why = useResource(
    'GET /api/runs/:run/steps/:step/why',
    { path: { run: live.view.id, step: step.name }, query: undefined },
    { staleTime: step.finishedAt === undefined ? 2000 : Infinity },
  );
  if (why.isError)
    return <Failed error={why.error} what="the reasons" onRetry={() => void why.refetch()} small />;
  if (why.data === undefined) return <Loading what="reasons" />;
  const { data } = why;
  const [answer, ...rest] = data.why;
  if (answer === undefined && data.parts.length === 0)
    return <EmptyState title="Not known yet">It is decided when the steps before it have ended.</EmptyState>;
  const parts = data.parts.filter(({ change }) => all || change !== 'same');
  const same = data.parts.filter(({ change }) => change === 'same').length;
  return (
    <div className={body.body}>
      <p className={body.answer}>{answer}</p>
      <ul className={body.sentences}>
        {rest.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {data.ancestors.length === 0 ? null : (
        <Section title="Because of">
          <ul className={body.sentences}>
            {data.ancestors.map(({ step: name, why: reasons }) => (
              <li key={name}>
                <StepLink live={live} name={name} onSelect={onSelect} /> {reasons[0]}
              </li>
            ))}
          </ul>
        </Section>
      )}
      {data.parts.length === 0 ? null : (
        <Section
          title="What its result depends on"
          aside={
            data.comparedWith === undefined ? undefined : (
              <>
                compared with{' '}
                <Link href={runHref(data.comparedWith.run, { step: step.name, tab: 'why' })}>
                  #{data.comparedWith.number}
                </Link>
              </>
            )
          }
        >
          {data.comparedWith === undefined || same === data.parts.length || same === 0 ? null : (
            <label className={body.toggle}>
              <input type="checkbox" checked={all} onChange={() => setAll(!all)} />
              also the {same} that are the same
            </label>
          )}
          <Parts parts={parts.length === 0 ? data.parts : parts} compared={data.comparedWith !== undefined} />
        </Section>
      )}
      {data.fingerprint === undefined ? null : (
        <Section title="Fingerprint">
          <code className={body.mono} title={data.fingerprint}>
            {data.fingerprint}
          </code>
        </Section>
      )}
    </div>
  );
}

function Parts({ parts, compared }: { readonly parts: StepWhy['parts']; readonly compared: boolean }) {
  return (
    <table className={body.table}>
      <thead>
        <tr>
          <th scope="col" className={body.narrow}>
            Kind
          </th>
          <th scope="col">Name</th>
          {compared ? <th scope="col">Before</th> : null}
          <th scope="col">Now</th>
        </tr>
      </thead>
      <tbody>
        {parts.map((part) => (
          <tr key={`${part.kind} ${part.name}`}>
            <td className={body.muted}>{part.kind}</td>
            <td>
              {part.name}
              {part.where === undefined ? null : (
                <div className={`${body.mono} ${body.muted}`}>{part.where}</div>
              )}
            </td>
            {compared ? (
              <td
                className={part.change === 'changed' || part.change === 'removed' ? body.before : body.muted}
              >
                {part.change === 'added' ? 'not there' : shown(part.before)}
              </td>
            ) : null}
            <td
              className={
                compared && (part.change === 'changed' || part.change === 'added') ? body.now : body.muted
              }
            >
              {part.change === 'removed' ? 'not there' : shown(part.now)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Hashes are known by their beginnings; the whole one is the title of the cell's text. */
const shown = (value: string | undefined) =>
  value === undefined ? (
    'same'
  ) : /^(?:sha256:)?[0-9a-f]{32,}$/.test(value) ? (
    <code title={value}>{shortHash(value)}</code>
  ) : (
    <span className={body.mono}>{value}</span>
  );
