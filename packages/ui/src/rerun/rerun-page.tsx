import { useEffect, useMemo, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { RerunRequest, RunForm, RunSnapshot } from '@run-pipeline/core/wire';
import { runHref } from '../address/links.js';
import { useQueryState } from '../address/search.js';
import { ask, type Refused } from '../data/api.js';
import { useAction, useResource, useSession } from '../data/queries.js';
import { Button } from '../design/button.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { useNotice } from '../design/notice.js';
import { useTitle } from '../design/title.js';
import { ParameterField } from './parameter-field.js';
import { ChosenSteps } from './chosen-steps.js';
import { Preview, type PreviewState } from './preview.js';
import { requestOf } from './request.js';
import styles from './rerun.module.css';

/** Another run of the same pipeline: what to change, what would happen, and the command that does the same. */
export default function RerunPage({ run }: { readonly run: string }) {
  const form = useResource('GET /api/runs/:run/form', { path: { run }, query: undefined }, { staleTime: 0 });
  const snapshot = useResource('GET /api/runs/:run', { path: { run }, query: undefined });
  const name =
    snapshot.data === undefined ? 'run' : `${snapshot.data.item.pipeline} #${snapshot.data.item.number}`;
  useTitle(`Run ${name} again`);
  if (form.isError)
    return <Failed error={form.error} what="what the pipeline takes" onRetry={() => void form.refetch()} />;
  if (form.data === undefined) return <Loading what="what the pipeline takes" />;
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1 className={styles.title}>
          Run <Link href={runHref(run)}>{name}</Link> again
        </h1>
        <span className={styles.file} title={form.data.file}>
          {form.data.file}, as it is now
        </span>
      </header>
      {form.data.possible ? (
        <Form run={run} form={form.data} failed={failedOf(form.data, snapshot.data)} />
      ) : (
        <EmptyState title="It cannot be run again from here">
          <p>{form.data.reason}</p>
          <Link href={runHref(run)}>Back to the run</Link>
        </EmptyState>
      )}
    </div>
  );
}

/** Steps that failed in the run before and are still there. */
function failedOf(form: RunForm, before: RunSnapshot | undefined): readonly string[] {
  const known = new Set(form.steps);
  return (before?.view.steps ?? []).flatMap(({ name, status }) =>
    status === 'failed' && known.has(name) ? [name as string] : [],
  );
}

function Form(props: { readonly run: string; readonly form: RunForm; readonly failed: readonly string[] }) {
  const { run, form, failed } = props;
  const [address, change] = useQueryState();
  const [, navigate] = useLocation();
  const session = useSession();
  const notify = useNotice();
  const start = useAction('POST /api/runs/:run/rerun');
  const queues = useResource('GET /api/queues', { query: undefined });
  const request = useMemo(() => requestOf(address, form), [address, form]);
  const preview = usePreview(run, request);
  const set = (name: string, value: string | undefined): void => change({ [name]: value }, { replace: true });
  const problems = preview.data?.problems ?? [];
  const allowed = session.data?.actions !== false;
  const launch = (): void =>
    start.mutate(
      { path: { run }, body: request },
      {
        onSuccess: (started) => navigate(runHref(started.run)),
        onError: (error) => notify(`${error.message}. ${(error as Refused).help ?? ''}`),
      },
    );
  const scope = address.has('only') ? 'only' : address.has('from') ? 'from' : 'all';
  const refresh = address.get('refresh');
  const chosen = refresh === null || refresh === 'all' ? [] : refresh.split(',');
  /** Before the first one is chosen. */
  const [choosing, setChoosing] = useState(false);
  const cache =
    address.get('cache') === 'off'
      ? 'off'
      : refresh === 'all'
        ? 'refresh'
        : chosen.length > 0 || choosing
          ? 'some'
          : 'use';
  const setChosen = (steps: readonly string[]): void =>
    change({ refresh: steps.join(','), cache: undefined }, { replace: true });
  const restart = (step: string): void => {
    if (!chosen.includes(step)) setChosen([...chosen, step]);
  };
  const where = address.has('remote')
    ? `remote ${address.get('remote')}`
    : address.has('queue')
      ? `queue ${address.get('queue')}`
      : '';
  return (
    <form
      className={styles.columns}
      onSubmit={(event) => {
        event.preventDefault();
        launch();
      }}
    >
      <div className={styles.fields}>
        <fieldset className={styles.group}>
          <legend>Parameters</legend>
          {form.parameters.length === 0 ? <p className={styles.muted}>It takes none.</p> : null}
          {form.parameters.map((parameter) => (
            <ParameterField
              key={parameter.name}
              parameter={parameter}
              value={address.get(`p.${parameter.name}`) ?? undefined}
              problem={problems.find((problem) => problem.parameter === parameter.name)?.message}
              onChange={(value) => set(`p.${parameter.name}`, value)}
            />
          ))}
        </fieldset>
        <fieldset className={styles.group}>
          <legend>Steps</legend>
          {form.steps.length === 0 ? (
            <p className={styles.muted}>
              All: the steps of a pipeline function are known only while it runs.
            </p>
          ) : (
            <>
              <label className={styles.choice}>
                <input
                  type="radio"
                  name="scope"
                  checked={scope === 'all'}
                  onChange={() => change({ from: undefined, only: undefined }, { replace: true })}
                />
                all of them
              </label>
              <label className={styles.choice}>
                <input
                  type="radio"
                  name="scope"
                  checked={scope === 'from'}
                  onChange={() =>
                    change({ from: address.get('only') ?? form.steps[0], only: undefined }, { replace: true })
                  }
                />
                one and everything after it
              </label>
              <label className={styles.choice}>
                <input
                  type="radio"
                  name="scope"
                  checked={scope === 'only'}
                  onChange={() =>
                    change({ only: address.get('from') ?? form.steps[0], from: undefined }, { replace: true })
                  }
                />
                one alone
              </label>
              {scope === 'all' ? null : (
                <select
                  aria-label="Which step"
                  className={styles.input}
                  value={address.get(scope) ?? ''}
                  onChange={({ target }) => set(scope, target.value)}
                >
                  {form.steps.map((step) => (
                    <option key={step} value={step}>
                      {failed.includes(step) ? `${step} (failed)` : step}
                    </option>
                  ))}
                </select>
              )}
              {failed.length === 0 ? null : (
                <span>
                  <Button
                    aria-pressed={scope === 'from' && address.get('from') === failed[0]}
                    onClick={() => change({ from: failed[0], only: undefined }, { replace: true })}
                  >
                    From what failed: {failed[0]}
                  </Button>
                </span>
              )}
            </>
          )}
        </fieldset>
        <fieldset className={styles.group}>
          <legend>Cache</legend>
          {(
            [
              ['use', 'take what is in it'],
              ['some', 'execute chosen steps again, take the rest'],
              ['refresh', 'execute everything again, and keep the new results'],
              ['off', 'neither read nor write it'],
            ] as const
          ).map(([id, words]) => (
            <label key={id} className={styles.choice}>
              <input
                type="radio"
                name="cache"
                checked={cache === id}
                onChange={() => {
                  setChoosing(id === 'some');
                  change(
                    {
                      refresh: id === 'refresh' ? 'all' : undefined,
                      cache: id === 'off' ? 'off' : undefined,
                    },
                    { replace: true },
                  );
                }}
              />
              {words}
            </label>
          ))}
          {cache === 'some' ? <ChosenSteps steps={form.steps} chosen={chosen} onChange={setChosen} /> : null}
        </fieldset>
        <fieldset className={styles.group}>
          <legend>Where</legend>
          <select
            aria-label="Where"
            className={styles.input}
            value={where}
            onChange={({ target }) => {
              const [kind, ...rest] = target.value.split(' ');
              const name = rest.join(' ');
              change(
                { queue: kind === 'queue' ? name : undefined, remote: kind === 'remote' ? name : undefined },
                { replace: true },
              );
            }}
          >
            <option value="">on this machine</option>
            {(queues.data?.queues ?? []).map(({ name, agents }) => (
              <option key={`q${name}`} value={`queue ${name}`}>
                steps on the queue {name} (
                {agents === 0 ? 'no agent' : agents === 1 ? '1 agent' : `${agents} agents`})
              </option>
            ))}
            {(queues.data?.queues ?? []).map(({ name, agents }) => (
              <option key={`r${name}`} value={`remote ${name}`}>
                all of it on the queue {name} (
                {agents === 0 ? 'no agent' : agents === 1 ? '1 agent' : `${agents} agents`})
              </option>
            ))}
          </select>
        </fieldset>
      </div>
      <div className={styles.side}>
        <Preview state={preview} onRestart={cache === 'off' ? undefined : restart} />
        <div className={styles.launch}>
          <Button
            kind="primary"
            type="submit"
            disabled={!allowed || start.isPending || problems.length > 0}
            title={allowed ? undefined : 'This page was started to look only'}
          >
            {start.isPending ? 'Starting…' : 'Run'}
          </Button>
          <span className={styles.muted}>It goes on when this page is closed.</span>
        </div>
      </div>
    </form>
  );
}

const PAUSE_MS = 350;

/** What would happen: asked after a pause in typing; the answer to an older question is dropped. */
function usePreview(run: string, request: RerunRequest): PreviewState {
  const [state, setState] = useState<PreviewState>({ data: undefined, error: undefined, busy: true });
  const key = JSON.stringify(request);
  useEffect(() => {
    const abort = new AbortController();
    setState((before) => ({ ...before, busy: true }));
    const timer = setTimeout(() => {
      ask('POST /api/runs/:run/preview', {
        path: { run },
        body: JSON.parse(key) as RerunRequest,
        signal: abort.signal,
      }).then(
        (data) => setState({ data, error: undefined, busy: false }),
        (error: Error) => {
          if (!abort.signal.aborted) setState({ data: undefined, error, busy: false });
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [run, key]);
  return state;
}
