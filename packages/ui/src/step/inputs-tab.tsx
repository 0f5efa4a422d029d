import { Link } from 'wouter';
import { runHref } from '../address/links.js';
import { useResource } from '../data/queries.js';
import { bytes } from '../design/amounts.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Section } from '../design/facts.js';
import { Failed } from '../design/failed.js';
import { StepLink, StepLinks } from '../step-tab/step-link.js';
import type { StepTabProps } from '../step-tab/step-tab.js';
import body from '../step-tab/tab-body.module.css';

/** What the step got and from whom; what it gave and to whom. */
export default function InputsTab({ live, step, onSelect }: StepTabProps) {
  const inputs = useResource(
    'GET /api/runs/:run/steps/:step/inputs',
    { path: { run: live.view.id, step: step.name }, query: undefined },
    // What is before an execution is known when it starts, what comes of it when it ends.
    { staleTime: step.finishedAt === undefined ? 2000 : Infinity },
  );
  if (inputs.isError)
    return <Failed error={inputs.error} what="the inputs" onRetry={() => void inputs.refetch()} small />;
  if (inputs.data === undefined) return <Loading what="inputs" />;
  const consumers = new Map(inputs.data.consumers.map(({ artifact, steps }) => [artifact, steps]));
  return (
    <div className={body.body}>
      <Section title="Inputs">
        {inputs.data.inputs.length === 0 ? (
          <p className={body.muted}>It takes none.</p>
        ) : (
          <table className={body.table}>
            <thead>
              <tr>
                <th scope="col" className={body.narrow}>
                  Name
                </th>
                <th scope="col">From</th>
                <th scope="col">Value</th>
              </tr>
            </thead>
            <tbody>
              {inputs.data.inputs.map((input) => (
                <tr key={input.name}>
                  <td>{input.name}</td>
                  <td>
                    {input.from.map(({ step: producer, artifact }) => (
                      <div key={`${producer}.${artifact}`}>
                        <StepLink live={live} name={producer} onSelect={onSelect} />{' '}
                        <Link
                          href={runHref(live.view.id, { step: producer, tab: 'artifacts', artifact })}
                          className={body.mono ?? ''}
                        >
                          {artifact}
                        </Link>
                      </div>
                    ))}
                    {input.from.length > 0 ? null : input.parameter !== undefined ? (
                      <>parameter {input.parameter}</>
                    ) : input.path !== undefined ? (
                      <span className={body.mono}>{input.path}</span>
                    ) : (
                      <span className={body.muted}>a value in the source</span>
                    )}
                    {input.reference === undefined ? null : (
                      <div className={`${body.mono} ${body.muted}`}>{input.reference}</div>
                    )}
                  </td>
                  <td>
                    {input.preview === undefined ? null : (
                      <span className={body.preview} title={input.preview}>
                        {input.preview}
                      </span>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Section>
      <Section title="Outputs">
        {step.artifacts.length === 0 ? (
          <EmptyState title={step.finishedAt === undefined ? 'None yet' : 'It gave none'} small />
        ) : (
          <table className={body.table}>
            <thead>
              <tr>
                <th scope="col">Artifact</th>
                <th scope="col" className={body.narrow}>
                  Size
                </th>
                <th scope="col">Used by</th>
              </tr>
            </thead>
            <tbody>
              {step.artifacts.map((artifact) => (
                <tr key={artifact.name}>
                  <td>
                    <Link
                      href={runHref(live.view.id, {
                        step: step.name,
                        tab: 'artifacts',
                        artifact: artifact.name,
                      })}
                      className={body.mono ?? ''}
                    >
                      {artifact.name}
                    </Link>
                  </td>
                  <td>{bytes(artifact.size)}</td>
                  <td>
                    {(consumers.get(artifact.name) ?? []).length === 0 ? (
                      <span className={body.muted}>nobody</span>
                    ) : (
                      <StepLinks live={live} names={consumers.get(artifact.name) ?? []} onSelect={onSelect} />
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Section>
    </div>
  );
}
