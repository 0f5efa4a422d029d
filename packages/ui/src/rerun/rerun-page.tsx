import { EmptyState } from '../design/empty-state.js';

export default function RerunPage({ run }: { readonly run: string }) {
  return <EmptyState title={`Nothing of ${run} is shown here yet`} />;
}
