import type { RunStatus } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import { isAlive } from '../../project/process-identity.js';

/**
 * What a run is at, for a reader: `lost` when it should be running and its process is gone. On this host
 * that is known at once; of another host only the lease tells. A run that waits for an agent has no
 * process yet, and has lost none.
 */
export function shownStatus(row: RunRow): RunStatus {
  if (row.status !== 'running' && row.status !== 'queued') return row.status;
  if (row.queued === true) return row.status;
  const life = isAlive(row.owner);
  return life === 'dead' || (life === 'unknown' && row.leaseExpired) ? 'lost' : row.status;
}
