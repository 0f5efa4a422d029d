import type { PreimagePart } from '@run-pipeline/core/ports';
import type { StepWhy } from '@run-pipeline/core/wire';
import { explainStep } from '../../engine/index.js';
import { compareParts } from '../../fingerprint/index.js';
import { requireRun } from '../runs/run-snapshot.js';
import type { ServerContext } from '../server-context.js';
import { requireStep } from './require-step.js';

type Part = StepWhy['parts'][number];

/** What `run-pipeline why` says, and the parts of both fingerprints. */
export async function stepWhy(context: ServerContext, run: string, step: string): Promise<StepWhy> {
  const { store } = context.project;
  const row = await requireRun(context, run);
  const { name, status } = requireStep(await context.views.get(row), step);
  if (status === 'created' || status === 'queued' || status === 'running')
    return { why: ['it has not ended yet'], parts: [], ancestors: [] };
  const explained = await explainStep(context.project, row.id, name);
  const before = await store.latestPreimage({
    project: row.project,
    pipeline: row.pipeline,
    step: name,
    beforeRun: row.id,
  });
  const compared = before === undefined ? undefined : await store.getRun(before.run);
  return {
    why: explained.why.length > 0 ? explained.why : explained.changes,
    parts: partsOf(before?.parts, explained.parts),
    ...(compared === undefined ? {} : { comparedWith: { run: compared.id, number: compared.number } }),
    ancestors: explained.ancestors,
    ...(explained.fingerprint === undefined ? {} : { fingerprint: explained.fingerprint }),
  };
}

function partsOf(before: readonly PreimagePart[] | undefined, now: readonly PreimagePart[]): readonly Part[] {
  // Of a step whose fingerprint was never made there is nothing to compare.
  if (now.length === 0) return [];
  return compareParts(before ?? now, now).map(({ before: then, now: here }): Part => {
    const { kind, name } = (here ?? then)!;
    const where = here?.where ?? then?.where;
    return {
      kind,
      name,
      change:
        then === undefined
          ? 'added'
          : here === undefined
            ? 'removed'
            : then.hash === here.hash
              ? 'same'
              : 'changed',
      ...(then === undefined || before === undefined ? {} : { before: shown(then) }),
      ...(here === undefined ? {} : { now: shown(here) }),
      ...(where === undefined ? {} : { where }),
    };
  });
}

/** Values of the environment are never kept: their hash tells that they differ, and nothing else. */
const shown = (part: PreimagePart): string => part.shown ?? part.hash.replace(/^sha256:/, '').slice(0, 12);
