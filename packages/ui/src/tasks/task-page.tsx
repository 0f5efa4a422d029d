import { EmptyState } from '../design/empty-state.js';

export default function TaskPage({ task }: { readonly task: string }) {
  return <EmptyState title={`Nothing of ${task} is shown here yet`} />;
}
