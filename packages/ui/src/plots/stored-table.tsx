import type { ArtifactRecord } from '@run-pipeline/core/model';
import { ArtifactView } from '../artifacts/artifact-view.js';
import { ReportedTable, reportedRows } from './reported-table.js';
import { useStoredValue } from './stored-value.js';

/** A table that was reported: `{ columns, rows }`. Whatever else it is, is shown as the value it is. */
export function StoredTable({
  artifact,
  label,
}: {
  readonly artifact: ArtifactRecord;
  readonly label: string;
}) {
  const value = useStoredValue(artifact);
  const table = reportedRows(value.data?.json);
  if (table === undefined) return <ArtifactView artifact={artifact} bare />;
  return <ReportedTable table={table} label={label} />;
}
