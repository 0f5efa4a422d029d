import { useEffect } from 'react';
import { Link } from 'wouter';
import { VIEWS } from '../address/links.js';
import { oneOf, useQueryState } from '../address/search.js';
import { Refused } from '../data/api.js';
import { useFollow, useVersion, type LiveRun } from '../data/live-run.js';
import { useRun } from '../data/queries.js';
import { EmptyState, Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { useTitle } from '../design/title.js';
import { RunScreen, loadView } from './run-screen.js';

/** One run, live: its steps as a graph, a timeline or a table, and what there is to know of each step. */
export function RunPage({ run: id }: { readonly run: string }) {
  const query = useRun(id);
  useFollow(query.data);
  const [address] = useQueryState();
  const view = oneOf(VIEWS, address.get('view'));
  useEffect(() => loadView(view), [view]);
  if (query.isError) {
    const { error } = query;
    if (error instanceof Refused && error.status === 404) return <Deleted />;
    return <Failed error={error} what="the run" onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="the run" />;
  return <Known live={query.data} />;
}

function Known({ live }: { readonly live: LiveRun }) {
  useVersion(live);
  useTitle(`${live.view.pipeline} #${live.view.number}`);
  return live.gone ? <Deleted /> : <RunScreen live={live} />;
}

const Deleted = () => (
  <EmptyState title="There is no such run" live whole>
    <p>It may have been removed by npx run-pipeline gc.</p>
    <Link href="/">All runs</Link>
  </EmptyState>
);
