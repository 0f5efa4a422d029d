import { NOT_CACHED } from '@run-pipeline/core/model';
import type { PreimageRow } from '@run-pipeline/core/ports';
import { explainChanges } from '../../fingerprint/index.js';
import type { Miss } from './cache.js';
import type { Prepared } from './prepare.js';
import type { NodeState, RunContext } from '../context.js';

/** Why a step executes, as sentences; the same for `plan` (before) and `why` (after). */
export async function reasonsToRun(
  context: Pick<RunContext, 'previousPreimages'>,
  node: NodeState,
  prepared: Pick<Prepared, 'parts' | 'fingerprint'>,
  miss: Miss,
): Promise<readonly string[]> {
  if (miss === 'uncached') return [NOT_CACHED];
  if (miss === 'refresh') return ['asked for by --refresh'];
  const before = previousOf(await context.previousPreimages(), node);
  if (typeof miss === 'object') return [miss.reason];
  if (before === undefined) return ['it has not run before'];
  if (before.fingerprint === prepared.fingerprint)
    return ['its last execution did not complete, or its result has left the cache'];
  const changes = explainChanges(before.parts, prepared.parts);
  return changes.length === 0 ? ['what its result depends on changed'] : changes;
}

function previousOf(previous: ReadonlyMap<string, PreimageRow>, node: NodeState): PreimageRow | undefined {
  return previous.get(node.name);
}
