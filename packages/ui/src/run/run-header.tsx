import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { compareHref, rerunHref, runHref, runsHref } from '../address/links.js';
import { useMinutes, useSeconds } from '../data/clock.js';
import type { LiveRun } from '../data/live-run.js';
import { useAction, useSession } from '../data/queries.js';
import { duration, elapsed, plainValue } from '../design/amounts.js';
import { Button, buttonClass } from '../design/button.js';
import { Dialog } from '../design/dialog.js';
import { BranchIcon, CompareIcon, PlayIcon, RerunIcon, StopIcon } from '../design/icons.js';
import { Status } from '../design/status-icon.js';
import { Strip } from '../design/strip.js';
import { Ago } from '../design/time.js';
import { useNotice } from '../design/notice.js';
import styles from './run-header.module.css';

/** Which run, how it is, how long it takes; and what can be done with it. */
export function RunHeader({ live }: { readonly live: LiveRun }) {
  const { view, snapshot } = live;
  const { item } = snapshot;
  const now = useMinutes();
  const parameters = Object.entries(view.parameters);
  return (
    <header className={styles.header}>
      <div className={styles.first}>
        <h1 className={styles.title}>
          <Link
            href={runsHref({ project: view.project || item.project })}
            className={styles.project ?? ''}
            title="All runs of the project"
          >
            {view.project || item.project}
          </Link>
          <span className={styles.slash} aria-hidden="true">
            /
          </span>
          <span className={styles.pipeline} title={`${view.pipeline || item.pipeline}\n${view.id}`}>
            {view.pipeline || item.pipeline}
          </span>
          <span className={styles.number}>#{view.number || item.number}</span>
        </h1>
        <Status status={view.status} className={styles.status ?? ''} />
        <span className={styles.took}>
          <Took live={live} />
        </span>
        <Actions live={live} />
      </div>
      <div className={styles.second}>
        <span className={styles.strip}>
          <Strip counts={view.counts} />
        </span>
        <Ago at={view.startedAt ?? snapshot.createdAt} now={now} className={styles.fact} />
        {item.source === '' ? null : (
          <span className={styles.source} title={item.source}>
            {item.source}
          </span>
        )}
        {item.git === undefined ? null : (
          <span
            className={styles.commit}
            title={`${item.git.branch ?? 'detached'} at ${item.git.commit}${item.git.dirty ? ', with changes that are not committed' : ''}`}
          >
            <BranchIcon size={12} />
            {item.git.branch === undefined ? '' : `${item.git.branch} `}
            <code>{item.git.commit.slice(0, 7)}</code>
            {item.git.dirty ? ' + changes' : ''}
          </span>
        )}
        {view.version === '' ? null : <span className={styles.fact}>version {view.version}</span>}
        {item.parent === undefined ? null : (
          <Link href={runHref(item.parent)} className={styles.fact ?? ''}>
            from an earlier run
          </Link>
        )}
        {parameters.length === 0 ? null : (
          <span
            className={styles.parameters}
            title={parameters.map(([name, value]) => `${name} = ${plainValue(value)}`).join('\n')}
          >
            {parameters.map(([name, value]) => (
              <span key={name} className={styles.parameter}>
                <span>{name}</span> {plainValue(value)}
              </span>
            ))}
          </span>
        )}
      </div>
    </header>
  );
}

function Took({ live }: { readonly live: LiveRun }) {
  const { view } = live;
  const goesOn = view.status === 'running' && view.startedAt !== undefined;
  const now = useSeconds(goesOn);
  if (view.durationMs !== undefined) return <>{duration(view.durationMs)}</>;
  if (goesOn && view.startedAt !== undefined) return <>{elapsed(now - Date.parse(view.startedAt))}</>;
  return null;
}

function Actions({ live }: { readonly live: LiveRun }) {
  const { view, snapshot } = live;
  const session = useSession();
  const [, navigate] = useLocation();
  const notify = useNotice();
  const [aborting, setAborting] = useState(false);
  const abort = useAction('POST /api/runs/:run/abort');
  const resume = useAction('POST /api/runs/:run/resume');
  const path = { run: view.id };
  const allowed = session.data?.actions !== false;
  const why = allowed ? undefined : 'This page was started to look only';
  const other =
    snapshot.siblings.find(({ id, number }) => id !== view.id && number < view.number) ??
    snapshot.siblings.find(({ id }) => id !== view.id);
  const goesOn = view.status === 'running' || view.status === 'queued';
  const canResume = view.status === 'lost' || view.status === 'failed' || view.status === 'aborted';
  return (
    <div className={styles.actions}>
      {goesOn ? (
        <Button
          kind="danger"
          disabled={!allowed || abort.isPending}
          title={why}
          onClick={() => setAborting(true)}
        >
          <StopIcon size={14} />
          Abort
        </Button>
      ) : null}
      {canResume ? (
        <Button
          disabled={!allowed || resume.isPending}
          title={why ?? 'Executes what has not completed, with the code of this run'}
          onClick={() =>
            resume.mutate(
              { path, body: {} },
              {
                onSuccess: ({ run }) => (run === view.id ? notify('It goes on.') : navigate(runHref(run))),
                onError: (error) => notify(error.message),
              },
            )
          }
        >
          <PlayIcon size={14} />
          Resume
        </Button>
      ) : null}
      {other === undefined ? null : (
        <Link
          href={compareHref([view.id, other.id], other.id)}
          className={buttonClass()}
          title={`With #${other.number}`}
        >
          <CompareIcon size={14} />
          Compare
        </Link>
      )}
      <Link href={rerunHref(view.id)} className={buttonClass('primary')} title="With the file as it is now">
        <RerunIcon size={14} />
        Run again
      </Link>
      {aborting ? (
        <Dialog label="Abort this run?" onClose={() => setAborting(false)}>
          <div className={styles.confirm}>
            <h2>Abort this run?</h2>
            <p>
              Steps that run are stopped, the others are not started. What has completed is kept; the run can
              be resumed.
            </p>
            <div className={styles.choices}>
              <Button autoFocus onClick={() => setAborting(false)}>
                Let it run
              </Button>
              <Button
                kind="danger"
                onClick={() => {
                  setAborting(false);
                  abort.mutate(
                    { path, body: {} },
                    {
                      onSuccess: ({ message }) => notify(message),
                      onError: (error) => notify(error.message),
                    },
                  );
                }}
              >
                Abort
              </Button>
            </div>
          </div>
        </Dialog>
      ) : null}
    </div>
  );
}
