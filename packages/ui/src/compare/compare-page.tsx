import { EmptyState } from '../design/empty-state.js';

export default function ComparePage() {
  return <EmptyState title="Nothing is shown here yet" />;
}
