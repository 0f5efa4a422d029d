import {
  isSuccess,
  type Fingerprint,
  type Report,
  type RunId,
  type StepAdd,
  type StepEnd,
  type StoredArtifact,
  type TaskId,
} from '@run-pipeline/core/model';
import type { PreimagePart } from '@run-pipeline/core/ports';
import { crashPoint } from '../../crash-points.js';
import { afterExecution, changeStatus } from './callbacks.js';
import { otherTask, type NodeState, type RunContext } from '../context.js';
import { monitored } from './monitors.js';
import type { Prepared } from '../step/prepare.js';
import type { LogEntry } from './run-log.js';

/** How a node ended, as the engine knows it; `endNode` commits it and wakes the children. */
export interface NodeEnd {
  readonly status: StepEnd['status'];
  readonly attempt: number;
  readonly durationMs: number;
  readonly savedMs?: number;
  readonly cachedFrom?: RunId;
  readonly artifacts: readonly StoredArtifact[];
  readonly why: readonly string[];
  readonly error?: NonNullable<StepEnd['error']>;
  /** Of an execution they have been told already; of a hit they are told again. */
  readonly reports?: readonly Report[];
  /** What the run may show of its reports, where it is not `reports`. */
  readonly monitored?: readonly Report[];
  readonly producer?: TaskId;
  readonly prepared?: Pick<Prepared, 'fingerprint' | 'parts' | 'package'>;
  /** Committed when the attempt began. */
  readonly preimageKept?: boolean;
  /** What an executed attempt commits with it. */
  readonly commit?: Pick<LogEntry, 'finish' | 'cacheEntry' | 'values'>;
}

export async function endNode(context: RunContext, node: NodeState, end: NodeEnd): Promise<void> {
  const event: StepEnd = {
    type: 'step.end',
    step: node.name,
    status: end.status,
    attempt: end.attempt,
    durationMs: end.durationMs,
    ...(end.savedMs === undefined ? {} : { savedMs: end.savedMs }),
    ...(end.prepared === undefined ? {} : { fingerprint: end.prepared.fingerprint }),
    ...(end.cachedFrom === undefined ? {} : { cachedFrom: end.cachedFrom }),
    ...(isSuccess(end.status) ? otherTask(context.row.id, node, end.producer ?? node.task) : {}),
    artifacts: end.artifacts.map((artifact) => artifact.record),
    why: end.why,
    ...(end.error === undefined ? {} : { error: end.error }),
    ...(end.prepared === undefined ? {} : { dependencies: end.prepared.package.manifest.dependencies }),
  };
  const { reports = [], artifacts } = end;
  const replayed = (end.status === 'cached' ? reports : []).map((report) => ({
    type: 'step.report' as const,
    step: node.name,
    attempt: end.attempt,
    report,
  }));
  // Of a mapped step its elements show.
  const shown =
    isSuccess(end.status) && !node.mapped
      ? monitored(node, { artifacts, reports: end.monitored ?? reports })
      : { events: [], missing: [] };
  const announce = announcement(node);
  const written = context.log.append({
    events: [...announce, ...replayed, event, ...shown.events],
    ...(end.artifacts.length === 0
      ? {}
      : { artifacts: end.artifacts.map((artifact) => ({ step: node.name, artifact })) }),
    ...(end.prepared === undefined || end.preimageKept === true
      ? {}
      : { preimages: [preimage(node, end.prepared)] }),
    ...(end.status !== 'cached' || end.prepared === undefined
      ? {}
      : { hits: [{ step: node.name, fingerprint: end.prepared.fingerprint }] }),
    ...end.commit,
  });
  if (node.holdsClaim && end.prepared !== undefined) {
    // In the same transaction as the outcome: whoever waits for this fingerprint finds the entry.
    node.holdsClaim = false;
    context.project.store
      .releaseFingerprint(end.prepared.fingerprint, context.row.id, context.owner)
      .catch(() => {}); // a broken store shows in the outcome; then the lease ends the claim
  }
  // What a hit gives is committed already, by the run it came from: children may look on at once. They
  // do not execute before this commit is durable, too (`execute` waits for the log).
  if (end.status !== 'cached' || hasCallbacks(node)) await written;
  crashPoint('after-end');
  for (const line of shown.missing) context.onWarning(line);
  node.announced = true;
  node.attempt = end.attempt;
  node.artifacts = new Map(end.artifacts.map((artifact) => [artifact.record.name, artifact]));
  node.error = end.error;
  if (end.producer !== undefined) node.producer = end.producer;
  await changeStatus(context, node, end.status);
  if (end.status !== 'skipped') await afterExecution(context, node);
  release(context, node);
}

const hasCallbacks = ({ definition: { options } }: NodeState): boolean =>
  options.postExecuteCallback !== undefined || options.statusChangeCallback !== undefined;

export function announcement(node: NodeState): readonly StepAdd[] {
  if (node.announced) return [];
  return [
    {
      type: 'step.add',
      steps: [
        {
          name: node.name,
          parents: node.parents.map((parent) => parent.name),
          ...(node.of === undefined ? {} : { of: node.of.name }),
        },
      ],
    },
  ];
}

const preimage = (
  node: NodeState,
  prepared: { readonly fingerprint: Fingerprint; readonly parts: readonly PreimagePart[] },
): { step: NodeState['name']; fingerprint: Fingerprint; parts: readonly PreimagePart[] } => ({
  step: node.name,
  fingerprint: prepared.fingerprint,
  parts: prepared.parts,
});

/** Tells who waits: after the commit, never before. */
function release(context: RunContext, node: NodeState): void {
  const { definition } = context;
  const broke = node.status === 'failed' || node.status === 'aborted';
  if (broke && definition.options.abortOnFailure && !node.definition.options.continueOnFail) {
    context.stop.request({ reason: 'failure', message: `${node.name} ${node.status}` });
  }
  node.ended.resolve();
  for (const child of node.dependents) {
    child.waiting -= 1;
    if (child.waiting === 0) context.schedule(child);
  }
}
