import { EmptyState } from '../design/empty-state.js';

export default function TasksPage() {
  return <EmptyState title="Nothing is shown here yet" />;
}
