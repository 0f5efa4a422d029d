import { useCallback, useEffect, useMemo } from 'react';
import { useLocation } from 'wouter';
import { rerunHref, VIEWS, type View } from '../address/links.js';
import { oneOf, useQueryState } from '../address/search.js';
import type { LiveRun } from '../data/live-run.js';
import { stepFilter } from '../data/step-filter.js';
import { EmptyState } from '../design/empty-state.js';
import { GraphIcon, TableIcon, TimelineIcon } from '../design/icons.js';
import { lazily } from '../design/lazily.js';
import { Tabs, tabId, type Tab } from '../design/tabs.js';
import { GraphView } from '../graph/graph-view.js';
import { useCommands } from '../keyboard/commands.js';
import { useKeys } from '../keyboard/keys.js';
import { QueryBar } from '../query/query-bar.js';
import { StepPanel } from '../step/step-panel.js';
import { Banners } from './banners.js';
import { Counts } from '../run-counts/counts.js';
import { useFailureKeys } from './failure-keys.js';
import { noSteps } from '../design/no-steps.js';
import { RunHeader } from './run-header.js';
import { Split } from './split.js';
import styles from './run-screen.module.css';

const TimelineView = lazily('the timeline', () => import('../timeline/timeline-view.js'));
const TableView = lazily('the table', () => import('../table/table-view.js'));

/** Reads the file of a view while its run is still being read. */
export function loadView(view: View): void {
  // A file that does not come is told of where it is shown.
  if (view !== 'graph') (view === 'timeline' ? TimelineView : TableView).load().catch(() => undefined);
}

const VIEW_TABS: readonly Tab<View>[] = [
  { id: 'graph', label: 'Graph', icon: <GraphIcon size={14} /> },
  { id: 'timeline', label: 'Timeline', icon: <TimelineIcon size={14} /> },
  { id: 'table', label: 'Table', icon: <TableIcon size={14} /> },
];
const PANEL = 'run-view';

/** Header, banners, the chosen view, and the panel of the chosen step. */
export function RunScreen({ live }: { readonly live: LiveRun }) {
  const { view: run } = live;
  const [address, change] = useQueryState();
  const [, navigate] = useLocation();
  const view = oneOf(VIEWS, address.get('view'));
  const step = address.get('step') ?? undefined;
  const q = address.get('q') ?? '';
  const filter = useMemo(() => stepFilter(q), [q]);
  const show = useCallback((next: View) => change({ view: next === 'graph' ? undefined : next }), [change]);
  const select = useCallback(
    (name: string | undefined, options?: { readonly replace?: boolean }) =>
      change(
        name === undefined
          ? { step: undefined, tab: undefined, attempt: undefined, artifact: undefined, line: undefined }
          : { step: name, attempt: undefined, artifact: undefined, line: undefined },
        options,
      ),
    [change],
  );
  const setQuery = useCallback((text: string) => change({ q: text }, { replace: true }), [change]);
  const nextFailure = useFailureKeys(live, step, select);
  useKeys({
    g: () => show('graph'),
    t: () => show('table'),
    l: () => show('timeline'),
    r: () => navigate(rerunHref(run.id)),
    Escape: () => select(undefined),
  });
  useCommands(() => [
    ...VIEW_TABS.map(({ id, label }) => ({
      id: `view-${id}`,
      label: `Show the ${label.toLowerCase()}`,
      group: 'View',
      keys: { graph: 'g', table: 't', timeline: 'l' }[id],
      run: () => show(id),
    })),
    { id: 'next-failure', label: 'Next failure', group: 'View', keys: 'f', run: () => nextFailure(1) },
    { id: 'rerun', label: 'Run again', group: 'Action', keys: 'r', run: () => navigate(rerunHref(run.id)) },
    ...live.steps().map(({ name, status }) => ({
      id: `step-${name}`,
      label: name,
      group: 'Step',
      hint: status,
      run: () => select(name),
    })),
  ]);
  useIdleViews();
  const shown = { live, filter, q, step, onSelect: select };
  return (
    <div className={styles.screen} data-lost={run.status === 'lost' ? '' : undefined}>
      <RunHeader live={live} />
      <Banners live={live} step={step} onSelect={select} onNextFailure={nextFailure} />
      <div className={styles.tools}>
        <Tabs label="View" tabs={VIEW_TABS} selected={view} onSelect={show} panel={PANEL} look="segments" />
        <Counts counts={run.counts} q={q} onChange={setQuery} />
        <QueryBar value={q} onChange={setQuery} label="Filter the steps" placeholder="Filter the steps" />
      </div>
      <Split
        open={step !== undefined}
        main={
          <div id={PANEL} role="tabpanel" aria-labelledby={tabId(PANEL, view)} className={styles.view}>
            {run.steps.size === 0 ? (
              <NoSteps live={live} />
            ) : view === 'graph' ? (
              <GraphView {...shown} />
            ) : view === 'table' ? (
              <TableView {...shown} />
            ) : (
              <TimelineView {...shown} />
            )}
          </div>
        }
        side={
          step === undefined ? null : (
            <StepPanel live={live} name={step} onClose={() => select(undefined)} onSelect={select} />
          )
        }
      />
    </div>
  );
}

const AFTER_FIRST_PICTURE_MS = 500;

/** The other views are a key away: their files are read when this one stands. */
function useIdleViews(): void {
  useEffect(() => {
    const timer = setTimeout(() => VIEWS.forEach(loadView), AFTER_FIRST_PICTURE_MS);
    return () => clearTimeout(timer);
  }, []);
}

function NoSteps({ live }: { readonly live: LiveRun }) {
  const { status } = live.view;
  if (status === 'queued')
    return <EmptyState title="It waits for an agent">Its steps appear when it has started.</EmptyState>;
  if (status === 'running')
    return <EmptyState title="No step yet">Steps appear as the pipeline issues them.</EmptyState>;
  return <EmptyState title="It had no steps">{noSteps(status)}</EmptyState>;
}
