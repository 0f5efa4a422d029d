import { EmptyState } from '../design/empty-state.js';

export default function QueuesPage() {
  return <EmptyState title="Nothing is shown here yet" />;
}
