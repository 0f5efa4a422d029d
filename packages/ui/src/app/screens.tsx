import { Link, Route, Switch } from 'wouter';
import { EmptyState } from '../design/empty-state.js';
import { lazily } from '../design/lazily.js';
import { RunPage } from '../run/run-page.js';
import { RunsPage } from '../runs/runs-page.js';

const ComparePage = lazily('the screen', () => import('../compare/compare-page.js'));
const RerunPage = lazily('the screen', () => import('../rerun/rerun-page.js'));
const TasksPage = lazily('the screen', () => import('../tasks/tasks-page.js'));
const TaskPage = lazily('the screen', () => import('../tasks/task-page.js'));
const QueuesPage = lazily('the screen', () => import('../queues/queues-page.js'));

/** Which address shows what. */
export function Screens() {
  return (
    <Switch>
      <Route path="/">
        <RunsPage />
      </Route>
      <Route path="/p/:project">{({ project }) => <RunsPage key={project} project={project} />}</Route>
      <Route path="/runs/:run/rerun">{({ run }) => <RerunPage key={run} run={run} />}</Route>
      <Route path="/runs/:run">{({ run }) => <RunPage key={run} run={run} />}</Route>
      <Route path="/compare">
        <ComparePage />
      </Route>
      <Route path="/tasks">
        <TasksPage />
      </Route>
      <Route path="/tasks/:task">{({ task }) => <TaskPage key={task} task={task} />}</Route>
      <Route path="/queues">
        <QueuesPage />
      </Route>
      <Route>
        <EmptyState title="There is no such page" whole>
          <Link href="/">All runs</Link>
        </EmptyState>
      </Route>
    </Switch>
  );
}
