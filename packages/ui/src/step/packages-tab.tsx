import { useState } from 'react';
import { useResource } from '../data/queries.js';
import { many } from '../design/amounts.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Section } from '../design/facts.js';
import { Failed } from '../design/failed.js';
import type { StepTabProps } from '../step-tab/step-tab.js';
import body from '../step-tab/tab-body.module.css';

/** So many are looked through by eye. */
const FEW = 12;

/** The npm packages that the step's code loads, and those that these bring along. */
export default function PackagesTab({ live, step }: StepTabProps) {
  const [text, setText] = useState('');
  const packages = useResource(
    'GET /api/runs/:run/steps/:step/packages',
    { path: { run: live.view.id, step: step.name }, query: undefined },
    { staleTime: Infinity },
  );
  if (packages.isError)
    return (
      <Failed error={packages.error} what="the packages" onRetry={() => void packages.refetch()} small />
    );
  if (packages.data === undefined) return <Loading what="packages" />;
  const { dependencies, node } = packages.data;
  if (dependencies.length === 0)
    return (
      <EmptyState title="It uses no npm package" small>
        {node === undefined ? undefined : node.replace(/^n/, 'N')}
      </EmptyState>
    );
  const found = dependencies.filter(({ name }) => name.includes(text.trim().toLowerCase()));
  const direct = found.filter((each) => each.direct);
  const through = found.filter((each) => !each.direct);
  return (
    <div className={body.body}>
      {dependencies.length > FEW ? (
        <input
          className={body.search}
          value={text}
          placeholder="Find a package"
          aria-label="Find a package"
          onChange={({ target }) => setText(target.value)}
        />
      ) : null}
      <Section title="Its code imports" aside={node === undefined ? undefined : node.replace(/^n/, 'N')}>
        <List packages={direct} />
      </Section>
      {through.length === 0 ? null : (
        <Section title="They bring along" aside={many(through.length, 'package')}>
          <List packages={through} />
        </Section>
      )}
    </div>
  );
}

function List(props: {
  readonly packages: readonly {
    readonly name: string;
    readonly version: string;
    readonly through?: string;
  }[];
}) {
  if (props.packages.length === 0) return <p className={body.muted}>None is called like that.</p>;
  return (
    <table className={body.table}>
      <thead>
        <tr>
          <th scope="col">Package</th>
          <th scope="col">Version</th>
          {props.packages.some(({ through }) => through !== undefined) ? <th scope="col">Through</th> : null}
        </tr>
      </thead>
      <tbody>
        {props.packages.map(({ name, version, through }) => (
          <tr key={`${name}@${version}`}>
            <td className={body.mono}>{name}</td>
            <td className={body.mono}>{version}</td>
            {through === undefined ? null : <td className={body.muted}>{through}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
